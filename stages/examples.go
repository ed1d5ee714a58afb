package stages

import (
	"context"
	"path/filepath"

	"upi/data/table"
	"upi/pipeline"
	"upi/results"
	"upi/savedmodels/engine"
	"upi/savedmodels/saliency"
)

// ExamplesSpec is a task that keeps a few test images with their maps, clean and perturbed, for figures.
type ExamplesSpec struct {
	Scoring
	Source Source `json:"source"`
	Shard  Shard  `json:"shard"`
	Signed
	Title string `json:"title"`
	// Keep is how many are kept: the first that are scored.
	Keep int `json:"keep"`
	// IDs are those of the images that are kept instead, from all shards, whether or not they are scored.
	IDs []string `json:"ids,omitempty"`
	// Rest are the other shards that IDs are looked for in.
	Rest []ScoredShard `json:"rest,omitempty"`
	// Classes are the names of the classes, if the images have them.
	Classes []string `json:"classes"`
}

// A ScoredShard is a shard with the perturbation that its images are scored under.
type ScoredShard struct {
	Shard Shard             `json:"shard"`
	Delta pipeline.Artefact `json:"delta"`
}

const examplesFile = "examples.parquet" // results.Example

func (r *runner) runExamples(ctx context.Context, job *pipeline.Job, spec ExamplesSpec) error {
	signs, err := spec.signs(job)
	if err != nil {
		return err
	}
	out, err := table.Create[results.Example](filepath.Join(job.Out, examplesFile), table.Options{})
	if err != nil {
		return err
	}
	defer out.Abort()
	wanted := map[string]bool{}
	for _, id := range spec.IDs {
		wanted[id] = true
	}
	for _, of := range append([]ScoredShard{{spec.Shard, spec.Delta}}, spec.Rest...) {
		spec.Shard, spec.Delta = of.Shard, of.Delta
		if err := r.shardExamples(ctx, job, spec, signs[0], wanted, out); err != nil {
			return err
		}
	}
	for _, id := range spec.IDs {
		if wanted[id] {
			job.Warn("report.examples names an image that the test split does not have, or that has no map", 1, "image "+id)
			job.Log.Warn("an image that report.examples names is not in the test split, or has no map", "image", id)
		}
	}
	return out.Close()
}

// shardExamples keeps the examples of one shard; wanted are the ids that are still looked for, if any were named.
func (r *runner) shardExamples(ctx context.Context, job *pipeline.Job, spec ExamplesSpec, sign int, wanted map[string]bool,
	out *table.Writer[results.Example]) error {
	e, err := r.open(job, spec.Source, spec.Shard)
	if err != nil {
		return err
	}
	defer e.set.Close()
	c, err := newScorer(job, e, spec.Scoring)
	if err != nil {
		return err
	}
	defer c.deltas.Close()
	var positions []int
	if len(spec.IDs) == 0 {
		positions = c.withMap(job, c.eligible(job, between(0, e.set.Len())))
		positions = positions[:min(spec.Keep, len(positions))]
	}
	for i, image := range e.set.Images {
		if id := image.String(); wanted[id] && e.set.HasMap(i) {
			delete(wanted, id)
			positions = append(positions, i)
		}
	}
	return engine.Each(ctx, r.engine, engine.Mapper, e.source, len(positions),
		func(m *saliency.Mapper, lo, hi int) ([]results.Example, error) {
			return c.examples(m, positions[lo:hi], sign, spec)
		},
		func(_, _ int, rows []results.Example) error { return out.Write(rows...) })
}

// examples computes the maps of the positions under sign times the perturbation.
func (c *scorer) examples(m *saliency.Mapper, positions []int, sign int, spec ExamplesSpec) ([]results.Example, error) {
	batch, maps, err := c.mapped(m, positions, sign)
	if err != nil {
		return nil, err
	}
	size, pixels := c.set.Size, c.set.Pixels
	rows := make([]results.Example, len(positions))
	bytes := make([]byte, size)
	for k, i := range positions {
		image, clean := make([]float32, size), make([]float32, pixels)
		if err := c.set.ReadPixels(i, image, bytes); err != nil {
			return nil, err
		}
		if err := c.set.ReadMap(i, clean); err != nil {
			return nil, err
		}
		label, before, after := c.set.Images[i].Label, c.set.References[i].Prediction, int64(maps.Prediction[k])
		rows[k] = results.Example{
			ID: c.set.Images[i].ID, Name: c.set.Images[i].Name, Title: spec.Title,
			Label: label, LabelName: spec.class(label),
			CleanPrediction: before, CleanName: spec.class(before),
			PerturbedPrediction: after, PerturbedName: spec.class(after),
			Shape: []int32{int32(c.shape[0]), int32(c.shape[1]), int32(c.shape[2])},
			Image: image, Perturbed: batch.Pixels[k*size : (k+1)*size],
			CleanMap: clean, PerturbedMap: maps.Map[k*pixels : (k+1)*pixels], Target: c.target,
		}
		if box := spec.Goal.Region; box != nil {
			rows[k].Region = []int32{int32(box.Top), int32(box.Left), int32(box.Height), int32(box.Width)}
		}
	}
	return rows, nil
}

func (s ExamplesSpec) class(number int64) string {
	if number < int64(len(s.Classes)) {
		return s.Classes[number]
	}
	return ""
}
