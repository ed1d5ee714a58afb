package stages

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"upi/pipeline"
	"upi/results"
	"upi/stages/tables"
)

// A PlannedModel is a model on the clean images of a split, with artefacts of the stage reference of its shards.
type PlannedModel struct {
	tables.Clean
	References []pipeline.Optional `json:"references"`
}

// row counts the images of the shards that are there.
func (m PlannedModel) row(job *pipeline.Job) (results.Model, error) {
	var failed error
	row := m.Row(func(yield func(tables.CleanImage) bool) {
		for _, reference := range m.References {
			from, there := dir(job, &reference)
			if !there {
				continue
			}
			images, err := readClean(from)
			if err != nil {
				failed = err
				return
			}
			for _, image := range images {
				if !yield(image) {
					return
				}
			}
		}
	})
	return row, failed
}

// A cleanTable is the table of models, with the sentences beside it and what a diagnosis advises on models.
type cleanTable struct {
	rows   []results.Model
	beside []string
	advice map[string]string
}

// readModels counts the clean images of the models, and logs it. What is doubtful goes to the log and the manifest.
func readModels(job *pipeline.Job, planned []PlannedModel, diagnoses []PlannedDiagnosis) (cleanTable, error) {
	var c cleanTable
	for _, m := range planned {
		row, err := m.row(job)
		if err != nil {
			return c, err
		}
		c.rows = append(c.rows, row)
		job.Log.Info("clean images", "model", row.Model, "split", row.Split, "explanation", row.Explanation, "images", row.Images,
			"right", row.Right, "accuracy", percent(row.Accuracy), "commonest_label", percent(row.Commonest), "saturated", row.Saturated,
			"no_map", row.NoMap, "not_finite", row.NotFinite)
	}
	for _, d := range tables.Doubts(c.rows) {
		job.Warn(d.Code, 1, d.Text)
		job.Log.Warn(d.Text)
		c.beside = append(c.beside, d.Text)
	}
	// The stage diagnosis has logged it.
	var err error
	if c.advice, err = readAdvice(job, diagnoses); err != nil {
		return c, err
	}
	for _, model := range slices.Sorted(maps.Keys(c.advice)) {
		c.beside = append(c.beside, fmt.Sprintf("Advice on %s: %s.", model, c.advice[model]))
	}
	return c, nil
}

// write writes the table, the sentences beside it in its footer.
func (c cleanTable) write(dir string) error {
	options, err := withWarnings(c.beside, results.ModelColumns)
	if err != nil {
		return err
	}
	return writeTable(filepath.Join(dir, results.TablesDir, results.ModelsTable+".parquet"), options, c.rows)
}

// wrong says of models how many of their test images are right, and what a diagnosis advises.
func (c cleanTable) wrong(models []string) []string {
	var texts []string
	for _, model := range models {
		text := model
		if i := slices.IndexFunc(c.rows, func(r results.Model) bool { return r.Model == model && r.Split == results.TestSplit }); i >= 0 {
			text += fmt.Sprintf(": %d of its %d test images are right", c.rows[i].Right, c.rows[i].Images)
		}
		if advice, there := c.advice[model]; there {
			text += "; " + advice
		}
		texts = append(texts, text)
	}
	return texts
}

// percent is empty for what is not defined.
func percent(share *float64) string {
	if share == nil {
		return ""
	}
	return fmt.Sprintf("%.1f %%", 100**share)
}
