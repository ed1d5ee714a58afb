package stages

import (
	"context"
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
)

// tablesSpec is the task that gathers everything into the files of a run's directory.
type tablesSpec struct {
	Perturbations []perturbationSpec `json:"perturbations"`
	Metrics       []string           `json:"metrics"`
	Clip          string             `json:"clip"`
	Resamples     int                `json:"resamples"`
	Seed          uint64             `json:"seed"`
}

// A perturbationSpec names a perturbation, whose artefacts are parents of roles that end in its number.
type perturbationSpec struct {
	ID          string   `json:"id"`
	Method      string   `json:"method"`
	Kind        string   `json:"kind"`
	Sources     []string `json:"sources"`
	Source      string   `json:"source"`
	Explanation string   `json:"explanation"`
	Score       string   `json:"score"`
	Norm        string   `json:"norm"`
	Eps         float64  `json:"eps"`
	Seed        int64    `json:"seed"`
	Draw        int64    `json:"draw"`
	Shape       [3]int   `json:"shape"`
	// Noise is that of the smoothing; without draws where the attack looks at no image.
	Noise attack.Noise `json:"noise"`
	// Sign says how the sign was chosen: fit, test or plus.
	Sign     string `json:"sign"`
	PerImage bool   `json:"per_image"`
	// FitImages is the size of the fit split, that of each source counted.
	FitImages int64        `json:"fit_images"`
	Targets   []targetSpec `json:"targets"`
}

// A targetSpec is a model that a perturbation was scored on.
type targetSpec struct {
	Model string `json:"model"`
	// Images is the size of its test split.
	Images int64 `json:"images"`
}

// A tablesPlan gathers the task of the stage tables.
type tablesPlan struct {
	spec    tablesSpec
	options []pipeline.Option
}

func newTablesPlan(c *config.Config) *tablesPlan {
	e := c.Evaluation
	return &tablesPlan{
		spec:    tablesSpec{Metrics: e.Metrics, Clip: e.Clip, Resamples: e.Bootstrap, Seed: c.Seeds[0]},
		options: []pipeline.Option{pipeline.Published()},
	}
}

// begin adds a perturbation; target then adds what it was scored on. Two that would bear the same id, since their names differ
// in where they hold a dot, are an error.
func (t *tablesPlan) begin(f fitting, sign string, fitImages int64, deltas []pipeline.Key, signs [][]pipeline.Key, examples []pipeline.Key) error {
	p := perturbationSpec{
		ID: f.id(), Method: f.attack.Name, Kind: f.attack.Kind, Source: f.sourceNames(), Explanation: f.explanation.name,
		Score: f.explanation.settings.Explains().Score.String(), Norm: f.norm().String(), Eps: f.eps,
		Seed: f.seed, Draw: f.draw, Shape: f.sources[0].shape, Noise: f.noise(), Sign: sign, FitImages: fitImages,
		PerImage: len(deltas) > 1 || f.settings.Needs().PerImage(),
	}
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
	if !p.PerImage {
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
	p.Targets = append(p.Targets, targetSpec{model, images})
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
	all := make([]*scored, len(spec.Perturbations))
	for i, p := range spec.Perturbations {
		s, err := readScored(job, i, p, spec.Metrics)
		if err != nil {
			return err
		}
		all[i] = s
		job.Progress(int64(i+1), int64(len(all)))
	}
	if err := someScored(job, all); err != nil {
		return err
	}
	if err := writePerturbations(job.Dir, all); err != nil {
		return err
	}
	if err := writeScores(job.Dir, spec, all); err != nil {
		return err
	}
	if err := writeExamples(job, len(all)); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(job.Dir, results.TablesDir), 0o777); err != nil {
		return fmt.Errorf("create directory of tables: %w", err)
	}
	summary, transfer, err := cells(spec, all)
	if err != nil {
		return err
	}
	tables, err := against(spec, all)
	if err != nil {
		return err
	}
	tables[results.SummaryTable], tables[results.SignTable] = summary, signCells(all)
	if len(transfer) > len(summary) {
		tables[results.TransferTable] = transfer
	}
	for name, rows := range tables {
		path := filepath.Join(job.Dir, results.TablesDir, name+".parquet")
		if err := writeTable(path, table.Options{}, rows); err != nil {
			return err
		}
	}
	return nil
}

// someScored warns of models of which no image was scored, and is an error if that is so of all.
func someScored(job *pipeline.Job, all []*scored) error {
	images := map[string]int{}
	for i, s := range all {
		for k, t := range s.targets {
			if len(job.Parents(roleOf(roleScores, i, k))) > 0 {
				images[t.model] += len(t.chosen.ids)
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

func writePerturbations(dir string, all []*scored) error {
	w, err := table.Create[results.Perturbation](filepath.Join(dir, results.PerturbationsFile), table.Options{})
	if err != nil {
		return err
	}
	defer w.Abort()
	for _, s := range all {
		if s.delta == nil {
			continue
		}
		if err := w.Write(s.row()); err != nil {
			return err
		}
	}
	return w.Close()
}

// writeScores writes one file for each target model and explanation.
func writeScores(dir string, spec tablesSpec, all []*scored) error {
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
		for _, t := range s.targets {
			if len(t.chosen.ids) == 0 {
				continue
			}
			name := t.model + "." + s.spec.Explanation
			if writers[name] == nil {
				w, err := table.Create[results.Score](filepath.Join(dir, results.ScoresDir, name+".parquet"), table.Options{Columns: spec.Metrics})
				if err != nil {
					return err
				}
				writers[name] = w
			}
			if err := s.writeScores(writers[name], t, spec); err != nil {
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

func (s *scored) writeScores(w *table.Writer[results.Score], t scoredTarget, spec tablesSpec) error {
	p := s.spec
	for i, id := range t.chosen.ids {
		err := w.Write(results.Score{
			Perturbation: p.ID, Method: p.Method, Kind: p.Kind, Source: p.Source, Norm: p.Norm, Eps: p.Eps, Seed: p.Seed, Draw: p.Draw,
			Model: t.model, Explanation: p.Explanation, ImageID: id, Label: t.chosen.labels[i], Sign: int32(s.sign), Clip: spec.Clip,
			Metrics: t.chosen.metrics(i, spec.Metrics),
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
