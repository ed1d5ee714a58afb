package stages

import (
	"fmt"
	"path/filepath"

	"upi/data/table"
	"upi/pipeline"
	"upi/results"
	"upi/stages/imageset"
	"upi/stages/tables"
)

// A PlannedModel is a model on the clean images of a split, with artefacts of the stage reference of its shards.
type PlannedModel struct {
	tables.Clean
	References []pipeline.Optional `json:"references"`
}

// row counts the images of the shards that are there.
func (m PlannedModel) row(job *pipeline.Job) (results.Model, error) {
	var images []tables.CleanImage
	for _, reference := range m.References {
		from, there := dir(job, &reference)
		if !there {
			continue
		}
		rows, err := table.ReadAll[imageset.Reference](filepath.Join(from, imageset.ReferenceFile))
		if err != nil {
			return results.Model{}, err
		}
		for _, r := range rows {
			images = append(images, tables.CleanImage{Label: r.Label, Prediction: r.Prediction, Probability: r.Probability, Norm: r.Norm})
		}
	}
	return m.Row(images), nil
}

// writeModels writes the table of models, and logs it. What is doubtful lies in its footer, and goes to the log and the manifest.
func writeModels(job *pipeline.Job, planned []PlannedModel) error {
	var rows []results.Model
	for _, m := range planned {
		row, err := m.row(job)
		if err != nil {
			return err
		}
		rows = append(rows, row)
		job.Log.Info("clean images", "model", row.Model, "split", row.Split, "explanation", row.Explanation, "images", row.Images,
			"right", row.Right, "accuracy", percent(row.Accuracy), "commonest_label", percent(row.Commonest), "saturated", row.Saturated,
			"no_map", row.NoMap, "not_finite", row.NotFinite)
	}
	var doubts []string
	for _, d := range tables.Doubts(rows) {
		job.Warn(d.Code, 1, d.Text)
		job.Log.Warn(d.Text)
		doubts = append(doubts, d.Text)
	}
	options, err := withWarnings(doubts)
	if err != nil {
		return err
	}
	return writeTable(filepath.Join(job.Out, results.TablesDir, results.ModelsTable+".parquet"), options, rows)
}

// percent is empty for what is not defined.
func percent(share *float64) string {
	if share == nil {
		return ""
	}
	return fmt.Sprintf("%.1f %%", 100**share)
}
