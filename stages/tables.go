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
	"upi/pipeline"
	"upi/pipeline/config"
	"upi/results"
	"upi/stages/tables"
)

// tablesSpec is the task that gathers everything into the files of a run's directory.
type tablesSpec struct {
	tables.Settings
	Perturbations []perturbationSpec `json:"perturbations"`
	Clip          string             `json:"clip"`
}

// A perturbationSpec names a perturbation, whose artefacts are parents of roles that end in its number.
type perturbationSpec struct {
	tables.Perturbation
	// Noise is that of the smoothing; without draws where the attack looks at no image.
	Noise attack.Noise `json:"noise"`
}

// A tablesPlan gathers the task of the stage tables.
type tablesPlan struct {
	spec    tablesSpec
	options []pipeline.Option
}

func newTablesPlan(c *config.Config) *tablesPlan {
	e := c.Evaluation
	return &tablesPlan{
		spec:    tablesSpec{Settings: tables.Settings{Metrics: e.Metrics, Resamples: e.Bootstrap, Seed: c.Seeds[0]}, Clip: e.Clip},
		options: []pipeline.Option{pipeline.Published()},
	}
}

// begin adds a perturbation; target then adds what it was scored on. Two that would bear the same id, since their names differ
// in where they hold a dot, are an error.
func (t *tablesPlan) begin(f fitting, sign string, fitImages int64, deltas []pipeline.Key, signs [][]pipeline.Key, examples []pipeline.Key) error {
	role, err := attackRole(f.attack.Kind)
	if err != nil {
		return err
	}
	p := perturbationSpec{Noise: f.noise(), Perturbation: tables.Perturbation{
		ID: f.id(), Method: f.attack.Name, Kind: f.attack.Kind, Role: role, Source: f.sourceNames(), Explanation: f.explanation.name,
		Score: f.explanation.settings.Explains().Score.String(), Norm: f.norm().String(), Eps: f.eps, Seed: f.seed, Draw: f.draw,
		Shape: f.sources[0].shape, Rule: tables.SignRule(sign), SignImages: fitImages,
	}}
	for _, m := range f.sources {
		p.Sources = append(p.Sources, m.name)
	}
	number := len(t.spec.Perturbations)
	for _, other := range t.spec.Perturbations {
		if other.ID == p.ID {
			return fmt.Errorf("the names %s, %s, %s and %s, %s, %s make the same id: rename a model, an explanation or an attack",
				other.Source, other.Explanation, other.Method, p.Source, p.Explanation, p.Method)
		}
	}
	t.spec.Perturbations = append(t.spec.Perturbations, p)
	if len(deltas) == 1 && !isPerImage(f.settings) {
		t.add(roleOf(roleDelta, number), deltas)
	}
	for k := range signs {
		t.add(roleOf(roleSign, number, k), signs[k])
	}
	t.add(roleOf(roleExamples, number), examples)
	return nil
}

func (t *tablesPlan) target(model string, images int64, scores []pipeline.Key) {
	number := len(t.spec.Perturbations) - 1
	p := &t.spec.Perturbations[number]
	t.add(roleOf(roleScores, number, len(p.Targets)), scores)
	p.Targets = append(p.Targets, tables.Target{Model: model, Images: images})
}

func (t *tablesPlan) add(role string, keys []pipeline.Key) {
	for _, key := range keys {
		t.options = append(t.options, pipeline.FromIfThere(role, key))
	}
}

// roleOf numbers a role: scores/3/1 are those of perturbation 3 on its target 1.
func roleOf(role string, numbers ...int) string {
	for _, n := range numbers {
		role = fmt.Sprintf("%s/%d", role, n)
	}
	return role
}

// runTables writes perturbations.parquet, scores/ and tables/. What is missing because its task failed is left out of the first
// two, and stands in the tables as a cell of no images.
func runTables(_ context.Context, job *pipeline.Job) error {
	var spec tablesSpec
	if err := job.Decode(&spec); err != nil {
		return err
	}
	all := make([]*found, len(spec.Perturbations))
	scored := make([]*tables.Scored, len(all))
	for i, p := range spec.Perturbations {
		f, err := readFound(job, i, p, spec.Metrics)
		if err != nil {
			return err
		}
		all[i], scored[i] = f, f.Scored
		job.Progress(int64(i+1), int64(len(all)))
	}
	if err := someScored(job, scored); err != nil {
		return err
	}
	if err := writePerturbations(job.Dir, all); err != nil {
		return err
	}
	if err := writeScores(job.Dir, spec, scored); err != nil {
		return err
	}
	if err := writeExamples(job, len(all)); err != nil {
		return err
	}
	return writeTables(job.Dir, spec.Settings, scored)
}

// writeTables writes a file for each table. The warnings about signs lie in the footers of the tables that they are about.
func writeTables(dir string, settings tables.Settings, all []*tables.Scored) error {
	dir = filepath.Join(dir, results.TablesDir)
	if err := os.Mkdir(dir, 0o777); err != nil {
		return fmt.Errorf("create directory of tables: %w", err)
	}
	cells, err := tables.Cells(settings, all)
	if err != nil {
		return err
	}
	var warned table.Options
	if warnings := tables.Warnings(all); len(warnings) > 0 {
		text, err := json.Marshal(warnings)
		if err != nil {
			return fmt.Errorf("encode warnings: %w", err)
		}
		warned.Metadata = map[string]string{results.WarningsKey: string(text)}
	}
	for name, rows := range cells {
		var options table.Options
		if name == results.SummaryTable || name == results.SignTable {
			options = warned
		}
		if err := writeTable(filepath.Join(dir, name+".parquet"), options, rows); err != nil {
			return err
		}
	}
	return nil
}

// someScored warns of models of which no image was scored, and is an error if that is so of all.
func someScored(job *pipeline.Job, all []*tables.Scored) error {
	images := map[string]int{}
	for i, s := range all {
		for k, t := range s.Targets {
			if len(job.Parents(roleOf(roleScores, i, k))) > 0 {
				images[t.Model] += len(s.Scores[k].IDs)
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
		return fmt.Errorf("no test image can be scored on %s: each is classified wrong or has no map (input.scale, input.offset and the "+
			"numbers of the labels must be those of the training; evaluation.filter: all scores what is classified wrong)", strings.Join(none, ", "))
	}
	return nil
}

func writePerturbations(dir string, all []*found) error {
	w, err := table.Create[results.Perturbation](filepath.Join(dir, results.PerturbationsFile), table.Options{})
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
func writeScores(dir string, spec tablesSpec, all []*tables.Scored) error {
	if err := os.Mkdir(filepath.Join(dir, results.ScoresDir), 0o777); err != nil {
		return fmt.Errorf("create directory of scores: %w", err)
	}
	writers := map[string]*table.Writer[results.Score]{}
	defer func() {
		for _, w := range writers {
			w.Abort()
		}
	}()
	for _, s := range all {
		for k, t := range s.Targets {
			if len(s.Scores[k].IDs) == 0 {
				continue
			}
			name := t.Model + "." + s.Explanation
			if writers[name] == nil {
				w, err := table.Create[results.Score](filepath.Join(dir, results.ScoresDir, name+".parquet"), table.Options{Columns: spec.Metrics})
				if err != nil {
					return err
				}
				writers[name] = w
			}
			if err := writeScoresOf(writers[name], s, k, spec.Clip); err != nil {
				return err
			}
		}
	}
	for _, w := range writers {
		if err := w.Close(); err != nil {
			return err
		}
	}
	return nil
}

// writeScoresOf writes the scores of a perturbation on its target number k.
func writeScoresOf(w *table.Writer[results.Score], s *tables.Scored, k int, clip string) error {
	scores := s.Scores[k]
	metrics := make([]float64, len(scores.Values))
	for i, id := range scores.IDs {
		for m := range metrics {
			metrics[m] = scores.Values[m][i]
		}
		err := w.Write(results.Score{
			Perturbation: s.ID, Method: s.Method, Kind: s.Kind, Role: s.Role, Source: s.Source, Norm: s.Norm, Eps: s.Eps, Seed: s.Seed, Draw: s.Draw,
			Model: s.Targets[k].Model, Explanation: s.Explanation, ImageID: id, Label: scores.Labels[i], Sign: int32(s.Sign), Clip: clip,
			Metrics: metrics,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// writeExamples gathers the examples of the perturbations that have any.
func writeExamples(job *pipeline.Job, perturbations int) error {
	var rows []results.Example
	for i := range perturbations {
		for _, dir := range job.Parents(roleOf(roleExamples, i)) {
			examples, err := table.ReadAll[results.Example](filepath.Join(dir, examplesFile))
			if err != nil {
				return err
			}
			rows = append(rows, examples...)
		}
	}
	dir := filepath.Join(job.Dir, results.FiguresDir)
	if err := os.Mkdir(dir, 0o777); err != nil {
		return fmt.Errorf("create directory of figures: %w", err)
	}
	return writeTable(filepath.Join(dir, results.ExamplesFile), table.Options{}, rows)
}
