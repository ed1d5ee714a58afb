package stages

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"upi/attack"
	"upi/data/table"
	"upi/metric"
	"upi/pipeline"
	"upi/results"
	"upi/savedmodels/runtime"
	"upi/stages/tables"
)

// TablesSpec is the task that gathers everything into the files of a run's directory. What is missing because its task failed is
// left out of perturbations and scores, and stands in the tables as a cell of no images.
type TablesSpec struct {
	tables.Settings
	Models        []PlannedModel        `json:"models"`
	Diagnoses     []PlannedDiagnosis    `json:"diagnoses"`
	Perturbations []PlannedPerturbation `json:"perturbations"`
	Clip          string                `json:"clip"`
	// Notes are sentences about the attacks, beside the tables of their scores.
	Notes []string `json:"notes,omitempty"`
	// Maps says that the tasks of the scores have kept maps.
	Maps bool `json:"maps,omitempty"`
}

// A PlannedPerturbation is a perturbation with the artefacts of its tasks.
type PlannedPerturbation struct {
	tables.Perturbation
	// Noise is that of the smoothing; without draws where the attack looks at no image.
	Noise attack.Noise `json:"noise"`
	// Precision is that of the gradients that the attack looks at.
	Precision runtime.Precision `json:"precision,omitempty"`
	// Delta is of the stage fit, nil where each image has a perturbation of its own.
	Delta *pipeline.Optional `json:"delta,omitempty"`
	// Sign and Examples are of the stages of these names, nil where there is none.
	Sign     *pipeline.Optional `json:"sign,omitempty"`
	Examples *pipeline.Optional `json:"examples,omitempty"`
	// Scores are of the stage evaluate: of each target those of its test shards.
	Scores [][]pipeline.Optional `json:"scores"`
}

// runTables writes perturbations.parquet, scores/, tables/ and the examples of figures/.
func runTables(_ context.Context, job *pipeline.Job, spec TablesSpec) error {
	clean, err := readModels(job, spec.Models, spec.Diagnoses)
	if err != nil {
		return err
	}
	all := make([]*found, len(spec.Perturbations))
	scored := make([]*tables.Scored, len(all))
	scores := newScoreReader(spec.Metrics)
	for i, p := range spec.Perturbations {
		f, err := readFound(job, p, scores)
		if err != nil {
			return err
		}
		all[i], scored[i] = f, f.Scored
		job.Progress(int64(i+1), int64(len(all)))
	}
	if err := someScored(job, all, clean); err != nil {
		return err
	}
	if err := writePerturbations(job.Out, all); err != nil {
		return err
	}
	if err := writeScores(job.Out, spec, scored); err != nil {
		return err
	}
	if err := writeExamples(job.Out, all); err != nil {
		return err
	}
	if spec.Maps {
		if err := writeMaps(job, all); err != nil {
			return err
		}
	}
	if err := writeTables(job, spec, scored); err != nil {
		return err
	}
	return clean.write(job.Out)
}

// writeTables writes a file for each table. The warnings about a table and the notes lie in its footer, and go to the log and the manifest.
func writeTables(job *pipeline.Job, spec TablesSpec, all []*tables.Scored) error {
	dir := filepath.Join(job.Out, results.TablesDir)
	if err := os.Mkdir(dir, 0o777); err != nil {
		return fmt.Errorf("create directory of tables: %w", err)
	}
	cells, err := tables.Cells(spec.Settings, all)
	if err != nil {
		return err
	}
	warnings := tables.Warnings(spec.Settings, all)
	for _, text := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(slices.Collect(maps.Values(warnings))...)))) {
		job.Warn("numbers that rest on few images", 1, text)
		job.Log.Warn(text)
	}
	for _, text := range spec.Notes {
		job.Warn("surrogate with nothing to replace", 1, text)
		job.Log.Warn(text)
	}
	for name, rows := range cells {
		options, err := withWarnings(slices.Concat(warnings[name], spec.Notes), results.CellColumns)
		if err != nil {
			return err
		}
		if err := writeTable(filepath.Join(dir, name+".parquet"), options, rows); err != nil {
			return err
		}
	}
	return nil
}

// withWarnings puts sentences into the footer of a table, beside the meanings of its columns.
func withWarnings(sentences []string, columns []results.Column) (table.Options, error) {
	o := table.Options{Metadata: results.Metadata(columns, nil)}
	if len(sentences) == 0 {
		return o, nil
	}
	text, err := json.Marshal(sentences)
	if err != nil {
		return o, fmt.Errorf("encode warnings: %w", err)
	}
	o.Metadata[results.WarningsKey] = string(text)
	return o, nil
}

// someScored warns of models of which no image was scored, and is an error if that is so of all.
func someScored(job *pipeline.Job, all []*found, clean cleanTable) error {
	images := map[string]int{}
	for _, f := range all {
		for k, t := range f.Targets {
			if f.evaluated[k] {
				images[t.Model] += len(f.Scores[k].IDs)
			}
		}
	}
	var none []string
	for _, model := range slices.Sorted(maps.Keys(images)) {
		if images[model] == 0 {
			none = append(none, model)
			job.Warn("model of which no image is scored", 1, model)
		}
	}
	if len(none) > 0 && len(none) == len(images) {
		return fmt.Errorf("no test image can be scored on %s (input.scale, input.offset and the numbers of the labels must be those of the "+
			"training; evaluation.filter: all scores what is classified wrong)", strings.Join(clean.wrong(none), ", "))
	}
	return nil
}

func writePerturbations(dir string, all []*found) error {
	w, err := table.Create[results.Perturbation](filepath.Join(dir, results.PerturbationsFile),
		table.Options{Metadata: results.Metadata(results.PerturbationColumns, nil)})
	if err != nil {
		return err
	}
	defer w.Abort()
	for _, f := range all {
		if f.delta == nil {
			continue
		}
		if err := w.Write(f.row()); err != nil {
			return err
		}
	}
	return w.Close()
}

// writeScores writes one file for each target model and explanation.
func writeScores(dir string, spec TablesSpec, all []*tables.Scored) error {
	dir = filepath.Join(dir, results.ScoresDir)
	if err := os.Mkdir(dir, 0o777); err != nil {
		return fmt.Errorf("create directory of scores: %w", err)
	}
	files := map[string][]scoresOf{}
	for _, s := range all {
		for k, t := range s.Targets {
			if len(s.Scores[k].IDs) > 0 {
				name := t.Model + "." + s.ScoredExplanation(t)
				files[name] = append(files[name], scoresOf{s, k})
			}
		}
	}
	for name, of := range files {
		path := filepath.Join(dir, name+".parquet")
		var err error
		if of[0].scores().Names != nil {
			err = writeScoresFile(path, spec, of, func(s tables.Scores) []string { return s.Names })
		} else {
			err = writeScoresFile(path, spec, of, func(s tables.Scores) []int64 { return s.IDs })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// columnsOf says what columns of metrics are.
func columnsOf(metrics []string) []results.Column {
	var columns []results.Column
	for _, name := range metrics {
		if m, err := metric.Lookup(name); err == nil {
			columns = append(columns, results.Column{Name: name, Doc: fmt.Sprintf("%s: %s; stronger: %s. NULL where not defined on the image", m.Doc, m.Formula, m.Stronger())})
		}
	}
	return columns
}

// A scoresOf is a perturbation on its target of a number.
type scoresOf struct {
	*tables.Scored
	target int
}

func (s scoresOf) scores() tables.Scores { return s.Scores[s.target] }

// writeScoresFile writes the scores of several perturbations on one target, whose images have ids of one type.
func writeScoresFile[ID int64 | string](path string, spec TablesSpec, all []scoresOf, ids func(tables.Scores) []ID) error {
	w, err := table.Create[results.ScoreOf[ID]](path, table.Options{
		Columns: spec.Metrics, RowGroupBytes: 4 << 20, Metadata: results.Metadata(results.ScoreColumns, columnsOf(spec.Metrics)),
	})
	if err != nil {
		return err
	}
	defer w.Abort()
	metrics := make([]float64, len(spec.Metrics))
	for _, s := range all {
		scores := s.scores()
		for i, id := range ids(scores) {
			for m := range metrics {
				metrics[m] = scores.Values[m][i]
			}
			answer := scores.Answers[i]
			err := w.Write(results.ScoreOf[ID]{
				Perturbation: s.ID, Method: s.Method, Kind: s.Kind, Role: s.Role, Source: s.Source, Norm: s.Norm, Eps: s.Eps, Seed: s.Seed,
				Draw: s.Draw, Model: s.Targets[s.target].Model, Target: s.Targets[s.target].Model,
				Explanation: s.ScoredExplanation(s.Targets[s.target]), FittedFor: s.Explanation, ImageID: id, Label: scores.Labels[i],
				Sign: int32(s.Sign), Clip: spec.Clip, CleanClass: int64(answer.CleanClass), PerturbedClass: int64(answer.PerturbedClass),
				CleanProbability: answer.CleanProbability, PerturbedProbability: answer.PerturbedProbability, Metrics: metrics,
			})
			if err != nil {
				return err
			}
		}
	}
	return w.Close()
}

// writeExamples gathers the examples of the perturbations that have any.
func writeExamples(dir string, all []*found) error {
	var rows []results.Example
	for _, f := range all {
		rows = append(rows, f.examples...)
	}
	dir = filepath.Join(dir, results.FiguresDir)
	if err := os.Mkdir(dir, 0o777); err != nil {
		return fmt.Errorf("create directory of figures: %w", err)
	}
	return writeTable(filepath.Join(dir, results.ExamplesFile), table.Options{Metadata: results.Metadata(results.ExampleColumns, nil)}, rows)
}
