package stages

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"upi/metric"
	"upi/pipeline"
	"upi/savedmodels/saliency"
)

// scoringSpec says how a perturbation is scored on one model and shard.
type scoringSpec struct {
	Source sourceSpec `json:"source"`
	Clip   bool       `json:"clip"`
	// Correct keeps only the images that the model classifies right.
	Correct bool `json:"correct"`
	// PerImage says that each image has a perturbation of its own.
	PerImage bool     `json:"per_image"`
	Metrics  []string `json:"metrics"`
	TopK     float64  `json:"top_k"`
}

// A scorer scores one perturbation on one shard. It is read by several goroutines at once.
type scorer struct {
	spec  scoringSpec
	shape [3]int
	view  view
	// positions are the images to score.
	positions []int
	delta     func(i int) ([]float32, error)
}

func (e *engine) newScorer(job *pipeline.Job, spec scoringSpec) (*scorer, source, error) {
	from := spec.Source.at(job.File(roleModel))
	o, err := e.open(from)
	if err != nil {
		return nil, from, err
	}
	s, err := o.split(job)
	if err != nil {
		return nil, from, err
	}
	c := &scorer{spec: spec, shape: o.model.ImageShape(), view: view{split: s, explanation: o.explanation, clip: spec.Clip}}
	for _, i := range s.withMap(job) {
		if r := s.references[i]; spec.Correct && r.Prediction != s.images[i].Label {
			job.Count(pipeline.CountLeftOut, 1)
			job.Count("misclassified", 1)
			continue
		}
		c.positions = append(c.positions, i)
	}
	if c.delta, err = deltas(job.Parent(roleDelta), s.size, spec.PerImage); err != nil {
		return nil, from, err
	}
	return c, from, nil
}

// deltas returns what gives image i its perturbation.
func deltas(dir string, size int, perImage bool) (func(i int) ([]float32, error), error) {
	if !perImage {
		delta, err := readDelta(dir, size)
		return func(int) ([]float32, error) { return delta, err }, err
	}
	path := filepath.Join(dir, deltasFile)
	return func(i int) ([]float32, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read perturbations: %w", err)
		}
		defer f.Close()
		delta := make([]float32, size)
		if _, err := f.ReadAt(bytesOf(delta), int64(i)*4*int64(size)); err != nil {
			return nil, fmt.Errorf("read perturbation of image %d: %w", i, err)
		}
		return delta, nil
	}, nil
}

// A score is one image's metrics under sign times the perturbation.
type score struct {
	position int
	values   []float64
	hasMap   bool
}

// scores computes the metrics of the positions under each of the signs and hands them on, image by image, in order.
func (c *scorer) scores(ctx context.Context, e *engine, from source, signs []int, deliver func([]score) error) error {
	return each(ctx, e, mapper, from, len(c.positions),
		func(m *saliency.Mapper, lo, hi int) ([][]score, error) {
			rows := make([][]score, hi-lo)
			for _, sign := range signs {
				if err := c.score(m, c.positions[lo:hi], sign, rows); err != nil {
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

// signed returns the batch of the positions under sign times the perturbation.
func (c *scorer) signed(positions []int, sign int) (saliency.Batch, error) {
	signed := make([][]float32, len(positions))
	for k, i := range positions {
		delta, err := c.delta(i)
		if err != nil {
			return saliency.Batch{}, err
		}
		signed[k] = delta
		if sign < 0 {
			signed[k] = append([]float32(nil), delta...)
			scale(signed[k], -1)
		}
	}
	return c.view.batch(positions, variant{delta: func(k int) []float32 { return signed[k] }}, nil)
}

// score appends to each row the score of the image under one sign.
func (c *scorer) score(m *saliency.Mapper, positions []int, sign int, rows [][]score) error {
	b, err := c.signed(positions, sign)
	if err != nil {
		return err
	}
	maps, err := m.Run(b)
	if err != nil {
		return err
	}
	evaluator, err := metric.NewEvaluator(c.spec.Metrics...)
	if err != nil {
		return err
	}
	places, classes := c.view.split.places, len(maps.Logits)/len(positions)
	for k, i := range positions {
		r := c.view.split.references[i]
		logits := maps.Logits[k*classes : (k+1)*classes]
		values := make([]float64, len(c.spec.Metrics))
		err := evaluator.Evaluate(values, metric.Inputs{
			Clean:                b.Reference[k*places : (k+1)*places],
			Perturbed:            maps.Map[k*places : (k+1)*places],
			Height:               c.shape[0],
			Width:                c.shape[1],
			CleanPrediction:      int(r.Prediction),
			PerturbedPrediction:  argmax(logits),
			CleanProbability:     r.Probability,
			PerturbedProbability: probability(logits, int(r.Class)),
			TopK:                 c.spec.TopK,
		})
		if err != nil {
			return fmt.Errorf("image %d: %w", r.ID, err)
		}
		norm := float64(maps.Norm[k])
		rows[k] = append(rows[k], score{i, values, norm > 0 && finite(norm)})
	}
	return nil
}

// warnNoMap counts an image whose perturbed version has no map.
func warnNoMap(job *pipeline.Job, id int64) {
	job.Count(pipeline.CountLeftOut, 1)
	job.Warn("perturbed map has a norm of zero or is not finite", 1, fmt.Sprintf("image %d", id))
}
