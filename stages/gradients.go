package stages

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"upi/attack"
	"upi/data/table"
	"upi/pipeline"
	"upi/savedmodels/engine"
	"upi/savedmodels/runtime"
	"upi/savedmodels/saliency"
	"upi/stages/imageset"
)

// GradientsSpec is a task that computes rows of the matrix G: for each image of one fit shard the gradient, at delta = 0 or at a
// perturbation, of what an attack looks at, as a mean over draws of the smoothing noise.
type GradientsSpec struct {
	Source   Source          `json:"source"`
	Shard    Shard           `json:"shard"`
	Function attack.Function `json:"function"`
	Noise    attack.Noise    `json:"noise"`
	Seed     int64           `json:"seed"`
	// Precision is that of the gradients.
	Precision runtime.Precision `json:"precision,omitempty"`
	// At is where the gradients are taken; nil is delta = 0.
	At *Point `json:"at,omitempty"`
}

// A Point is a perturbation that was found, under the sign under which it moves maps further.
type Point struct {
	Delta pipeline.Artefact `json:"delta"`
	Sign  pipeline.Artefact `json:"sign"`
	// Clip keeps the perturbed images in 0..255.
	Clip bool `json:"clip,omitempty"`
}

// Files of an artefact of the stage gradients.
const (
	gradientsFile = "gradients.f32" // H x W x C little-endian float32 per row
	rowsFile      = "rows.parquet"  // gradientRow
	absenceFile   = "left_out.json" // absence
)

// A gradientRow is a row of G without its values.
type gradientRow struct {
	ID int64 `parquet:"id"`
	// Position is the image's position in its shard.
	Position int64 `parquet:"position"`
	// Value is what was differentiated.
	Value float64 `parquet:"value"`
}

func (r *runner) runGradients(ctx context.Context, job *pipeline.Job, spec GradientsSpec) error {
	of := attack.Objective{Of: spec.Function}
	kind, err := objective(of)
	if err != nil {
		return err
	}
	e, err := r.openIn(spec.Precision, job, spec.Source, spec.Shard)
	if err != nil {
		return err
	}
	defer e.set.Close()
	if err := r.checkReduced(ctx, job, kind, e.source); err != nil {
		return err
	}
	positions := e.withMap(job)
	batcher, err := e.batcher(of, Goal{})
	if err != nil {
		return err
	}
	batcher.Noise, batcher.Seed = spec.Noise, spec.Seed
	var delta []float32
	if spec.At != nil {
		if delta, err = spec.At.read(job, e.set.Size); err != nil {
			return err
		}
		batcher.Clip = spec.At.Clip
	}
	values, err := imageset.Create(filepath.Join(job.Out, gradientsFile))
	if err != nil {
		return err
	}
	defer values.Close()
	rows, err := table.Create[gradientRow](filepath.Join(job.Out, rowsFile), table.Options{})
	if err != nil {
		return err
	}
	defer rows.Abort()
	size, zero, left := e.set.Size, 0, absenceOf(e.set)
	err = engine.Each(ctx, r.engine, kind, e.source, len(positions),
		func(o *saliency.Objective, lo, hi int) (saliency.Gradients, error) {
			return meanOverDraws(o, batcher, positions[lo:hi], delta)
		},
		func(lo, hi int, g saliency.Gradients) error {
			job.Progress(int64(hi), int64(len(positions)))
			for k, i := range positions[lo:hi] {
				row, gradient := gradientRow{e.set.Images[i].ID, int64(i), float64(g.Value[k])}, g.Rows[k*size:(k+1)*size]
				switch norm := squared(gradient); {
				case !finite(norm):
					left.Gradients++
					job.Warn("gradient is not finite", 1, "image "+e.set.Images[i].String())
					continue
				case norm == 0:
					zero++
					job.Warn("gradient is zero", 1, "image "+e.set.Images[i].String())
				}
				if _, err := values.Write(imageset.BytesOf(gradient)); err != nil {
					return fmt.Errorf("write gradients: %w", err)
				}
				if err := rows.Write(row); err != nil {
					return err
				}
			}
			return nil
		})
	if err != nil {
		return err
	}
	if len(positions) > 0 && zero == len(positions) && spec.At == nil { // else there are those of delta = 0
		return attack.ErrZeroGradient
	}
	job.Count(pipeline.CountImages, int64(len(positions)))
	return errors.Join(writeJSON(filepath.Join(job.Out, absenceFile), left), rows.Close(), values.Close())
}

// read reads the perturbation of a point.
func (p *Point) read(job *pipeline.Job, size int) ([]float32, error) {
	delta, err := readDelta(job.Dir(p.Delta), size)
	if err != nil {
		return nil, err
	}
	sign, err := readSign(job.Dir(p.Sign))
	if err != nil {
		return nil, err
	}
	scale(delta, float32(sign.Sign))
	return delta, nil
}

// meanOverDraws returns values and gradients at a perturbation, nil for none, as means over the draws of the noise.
func meanOverDraws(o *saliency.Objective, batcher imageset.Batcher, positions []int, delta []float32) (saliency.Gradients, error) {
	var mean saliency.Gradients
	draws := batcher.Noise.Draws
	for draw := range draws {
		how := imageset.Perturbed{Delta: func(int) []float32 { return delta }, Purpose: "smoothing", Draw: int64(draw)}
		g, err := evaluate(o, batcher, positions, how, true)
		if err != nil {
			return mean, err
		}
		g.dropClipped()
		if draw == 0 {
			mean = g.Gradients
			continue
		}
		add(mean.Rows, g.Rows)
		add(mean.Value, g.Value)
	}
	if draws > 1 {
		scale(mean.Rows, 1/float32(draws))
		scale(mean.Value, 1/float32(draws))
	}
	return mean, nil
}
