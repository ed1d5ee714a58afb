package stages

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"upi/metric"
	"upi/pipeline"
	"upi/savedmodels/engine"
	"upi/savedmodels/saliency"
	"upi/stages/imageset"
)

// Scoring says how a perturbation is scored on a model.
type Scoring struct {
	// Delta is an artefact of the stage fit or, if PerImage is set, per_image of the same shard.
	Delta    pipeline.Artefact `json:"delta"`
	PerImage bool              `json:"per_image"`
	Clip     bool              `json:"clip"`
	// Correct keeps only the images that the model classifies right.
	Correct bool     `json:"correct"`
	Metrics []string `json:"metrics"`
	TopK    float64  `json:"top_k"`
	// Goal is what the metrics look at or, of examples, what the figures show.
	Goal Goal `json:"goal,omitzero"`
	// KeepMaps keeps the maps of each image beside its scores.
	KeepMaps bool `json:"maps,omitempty"`
}

// A scorer scores one perturbation on images of one model. It is read by several goroutines at once.
type scorer struct {
	explained
	spec    Scoring
	batcher imageset.Batcher
	deltas  *deltas
	target  []float32 // the goal's map, if there is one
}

func newScorer(job *pipeline.Job, e explained, spec Scoring) (*scorer, error) {
	c := &scorer{explained: e, spec: spec, batcher: imageset.Batcher{Set: e.set, Explanation: e.explanation, Baselines: e.baselines, Clip: spec.Clip}}
	var err error
	if c.target, err = spec.Goal.target(e.shape[0], e.shape[1]); err != nil {
		return c, err
	}
	c.deltas, err = openDeltas(job.Dir(spec.Delta), e.set, spec.PerImage)
	return c, err
}

// eligible lists those of the positions that are scored, and counts the others.
func (c *scorer) eligible(job *pipeline.Job, positions []int) []int {
	var kept []int
	for _, i := range positions {
		if r := c.set.References[i]; c.spec.Correct && r.Prediction != c.set.Images[i].Label {
			job.Count(pipeline.CountLeftOut, 1)
			job.Count("misclassified", 1)
			continue
		}
		kept = append(kept, i)
	}
	return kept
}

// withMap lists those of the positions whose images have a map, and counts the others.
func (c *scorer) withMap(job *pipeline.Job, positions []int) []int {
	var kept []int
	for _, i := range positions {
		if c.set.HasMap(i) {
			kept = append(kept, i)
		} else {
			job.Count(pipeline.CountLeftOut, 1)
		}
	}
	return kept
}

// deltas gives each image its perturbation.
type deltas struct {
	// plus and minus are those of all images, nil where each image has its own.
	plus, minus []float32
	each        *imageset.Records
	size        int
}

func openDeltas(dir string, set *imageset.Set, perImage bool) (*deltas, error) {
	d := &deltas{size: set.Size}
	var err error
	if perImage {
		d.each, err = imageset.OpenRecords(filepath.Join(dir, deltasFile), set.Len(), 4*set.Size, true)
		return d, err
	}
	if d.plus, err = readDelta(dir, set.Size); err != nil {
		return nil, err
	}
	d.minus = append([]float32(nil), d.plus...)
	scale(d.minus, -1)
	return d, nil
}

// of returns sign times the perturbation of each of the images at the positions.
func (d *deltas) of(positions []int, sign int) (func(k int) []float32, error) {
	if d.each == nil {
		shared := d.plus
		if sign < 0 {
			shared = d.minus
		}
		return func(int) []float32 { return shared }, nil
	}
	all := make([]float32, len(positions)*d.size)
	own := func(k int) []float32 { return all[k*d.size : (k+1)*d.size] }
	for k, i := range positions {
		if err := d.each.Read(i, imageset.BytesOf(own(k))); err != nil {
			return nil, fmt.Errorf("read perturbation of image %d: %w", i, err)
		}
	}
	if sign < 0 {
		scale(all, -1)
	}
	return own, nil
}

// Close closes the file of perturbations.
func (d *deltas) Close() {
	if d != nil {
		d.each.Close()
	}
}

// A score is one image's metrics under sign times the perturbation; those that look at maps are NaN where a map is missing.
type score struct {
	position int
	values   []float64
	// prediction is the model's answer to the perturbed image, probability that of the class which the map explains.
	prediction  int
	probability float64
	// hasMap is of the perturbed image.
	hasMap bool
	// clean and perturbed are the maps, nil unless they are kept and both there.
	clean, perturbed []float32
}

// scores computes the metrics of the positions under each of the signs and hands them on, image by image, in order.
func (c *scorer) scores(ctx context.Context, e *engine.Engine, positions, signs []int, deliver func([]score) error) error {
	return engine.Each(ctx, e, engine.Mapper, c.source, len(positions),
		func(m *saliency.Mapper, lo, hi int) ([][]score, error) {
			rows := make([][]score, hi-lo)
			for _, sign := range signs {
				if err := c.score(m, positions[lo:hi], sign, rows); err != nil {
					return nil, err
				}
			}
			return rows, nil
		},
		func(lo, hi int, rows [][]score) error {
			for _, row := range rows {
				if err := deliver(row); err != nil {
					return err
				}
			}
			return nil
		})
}

// mapped returns the images at the positions under sign times the perturbation, and their maps.
func (c *scorer) mapped(m *saliency.Mapper, positions []int, sign int) (saliency.Batch, saliency.Maps, error) {
	delta, err := c.deltas.of(positions, sign)
	if err != nil {
		return saliency.Batch{}, saliency.Maps{}, err
	}
	batch, err := c.batcher.Batch(positions, imageset.Perturbed{Delta: delta}, nil)
	if err != nil {
		return batch, saliency.Maps{}, err
	}
	maps, err := m.Run(batch)
	return batch, maps, err
}

// score appends to each row the score of the image under one sign.
func (c *scorer) score(m *saliency.Mapper, positions []int, sign int, rows [][]score) error {
	_, maps, err := c.mapped(m, positions, sign)
	if err != nil {
		return err
	}
	evaluator, err := metric.NewEvaluator(c.spec.Metrics...)
	if err != nil {
		return err
	}
	clean := make([]float32, c.set.Pixels)
	for k, i := range positions {
		if err := c.set.ReadMap(i, clean); err != nil {
			return err
		}
		r := c.set.References[i]
		values := make([]float64, len(c.spec.Metrics))
		err := evaluator.Evaluate(values, metric.Inputs{
			Clean:                clean,
			Perturbed:            maps.Map[k*c.set.Pixels : (k+1)*c.set.Pixels],
			Height:               c.shape[0],
			Width:                c.shape[1],
			CleanPrediction:      int(r.Prediction),
			PerturbedPrediction:  maps.Prediction[k],
			CleanProbability:     r.Probability,
			PerturbedProbability: maps.Probability[k],
			TopK:                 c.spec.TopK,
			Region:               c.spec.Goal.region(),
			Target:               c.target,
		})
		if err != nil {
			return fmt.Errorf("image %s: %w", c.set.Images[i], err)
		}
		norm := float64(maps.Norm[k])
		s := score{position: i, values: values, prediction: maps.Prediction[k], probability: maps.Probability[k], hasMap: norm > 0 && finite(norm)}
		if c.spec.KeepMaps && s.hasMap && r.HasMap() {
			s.clean, s.perturbed = slices.Clone(clean), slices.Clone(maps.Map[k*c.set.Pixels:(k+1)*c.set.Pixels])
		}
		for m, of := range evaluator.Metrics() {
			if of.Maps && !(s.hasMap && r.HasMap()) {
				values[m] = math.NaN()
			}
		}
		rows[k] = append(rows[k], s)
	}
	return nil
}

// warnNoMap counts an image whose perturbed version has no map.
func warnNoMap(job *pipeline.Job, image imageset.Image) {
	job.Count(pipeline.CountLeftOut, 1)
	job.Warn("perturbed map has a norm of zero or is not finite", 1, "image "+image.String())
}
