package stages

import (
	"context"
	"fmt"
	"path/filepath"

	"upi/data/table"
	"upi/pipeline"
	"upi/results"
	"upi/savedmodels/saliency"
	"upi/stages/tables"
)

// examplesSpec is a task that keeps a few test images with their maps, clean and perturbed, for figures.
type examplesSpec struct {
	Scoring scoringSpec `json:"scoring"`
	Sign    string      `json:"sign"`
	Title   string      `json:"title"`
	// Images is how many are kept: the first that are scored.
	Images int `json:"images"`
	// Classes are the names of the classes, if the images have them.
	Classes []string `json:"classes"`
}

const examplesFile = "examples.parquet" // results.Example

func (e *engine) runExamples(ctx context.Context, job *pipeline.Job) error {
	var spec examplesSpec
	if err := job.Decode(&spec); err != nil {
		return err
	}
	c, from, err := e.newScorer(job, spec.Scoring)
	if err != nil {
		return err
	}
	defer c.view.split.Close()
	sign := 1
	if spec.Sign != "plus" {
		rows, err := readSigns(job.Parents(roleSign))
		if err != nil {
			return err
		}
		sign = tables.Decide(rows, 0).Sign
	}
	out, err := table.Create[results.Example](filepath.Join(job.Dir, examplesFile), table.Options{})
	if err != nil {
		return err
	}
	defer out.Abort()
	c.positions = c.positions[:min(spec.Images, len(c.positions))]
	err = each(ctx, e, mapper, from, len(c.positions),
		func(m *saliency.Mapper, lo, hi int) ([]results.Example, error) {
			return c.examples(m, c.positions[lo:hi], sign, spec)
		},
		func(_, _ int, rows []results.Example) error { return out.Write(rows...) })
	if err != nil {
		return err
	}
	return out.Close()
}

// examples computes the maps of the positions under sign times the perturbation.
func (c *scorer) examples(m *saliency.Mapper, positions []int, sign int, spec examplesSpec) ([]results.Example, error) {
	b, err := c.signed(positions, sign)
	if err != nil {
		return nil, err
	}
	maps, err := m.Run(b)
	if err != nil {
		return nil, err
	}
	s := c.view.split
	classes := len(maps.Logits) / len(positions)
	rows := make([]results.Example, len(positions))
	bytes := make([]byte, s.size)
	for k, i := range positions {
		image := make([]float32, s.size)
		if err := s.Pixels(i, image, bytes); err != nil {
			return nil, err
		}
		clean := s.references[i].Prediction
		perturbed := int64(argmax(maps.Logits[k*classes : (k+1)*classes]))
		rows[k] = results.Example{
			ID: s.images[i].ID, Title: spec.Title,
			Label: s.images[i].Label, LabelName: spec.class(s.images[i].Label),
			CleanPrediction: clean, CleanName: spec.class(clean),
			PerturbedPrediction: perturbed, PerturbedName: spec.class(perturbed),
			Shape: []int32{int32(c.shape[0]), int32(c.shape[1]), int32(c.shape[2])},
			Image: image, Perturbed: b.Pixels[k*s.size : (k+1)*s.size],
			CleanMap: b.Reference[k*s.places : (k+1)*s.places], PerturbedMap: maps.Map[k*s.places : (k+1)*s.places],
		}
	}
	return rows, nil
}

func (s examplesSpec) class(number int64) string {
	if number < int64(len(s.Classes)) {
		return s.Classes[number]
	}
	return ""
}

// examplesPerFigure is how many images each perturbation is shown on.
const examplesPerFigure = 2

// examples plans what the figures show of a perturbation: the first seed and draw of each attack's largest budget, on its first
// source.
func (p *planner) examples(f fitting, deltas, signs []pipeline.Key) ([]pipeline.Key, error) {
	common := f.settings.Common()
	for _, eps := range common.Eps {
		if float64(eps) > f.eps {
			return nil, nil
		}
	}
	if f.eps == 0 || f.draw > 0 || f.seed != int64(p.seeds(f)[0]) {
		return nil, nil
	}
	m := f.sources[0]
	split, err := p.split(m.test)
	if err != nil {
		return nil, err
	}
	references, err := p.references(m, m.test, f.explanation, nil)
	if err != nil {
		return nil, err
	}
	spec := examplesSpec{
		Scoring: p.scoring(f, m), Sign: p.sign(f), Images: examplesPerFigure, Classes: split.dataset.ClassNames(),
		Title: fmt.Sprintf("%s, %s %g, %s, %s", f.attack.Name, f.norm(), f.eps, f.sourceNames(), f.explanation.name),
	}
	options := append(from(roleSign, signs), pipeline.Reads(roleModel, m.dir), pipeline.From(roleDelta, deltas[0]),
		pipeline.From(roleImages, split.images[0]), pipeline.From(roleReference, references[0]))
	key, err := p.plan.Add(p.stages.examples, label(f.id(), m.name), spec, options...)
	return []pipeline.Key{key}, err
}
