package stages

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"upi/attack"
	"upi/pipeline"
	"upi/savedmodels/engine"
	"upi/savedmodels/runtime"
	"upi/savedmodels/saliency"
	"upi/stages/imageset"
)

// PerImageSpec is a task that gives each image of one test shard a perturbation of its own.
type PerImageSpec struct {
	Problem
	Source Source `json:"source"`
	Shard  Shard  `json:"shard"`
	// Scored is, where the source has a surrogate, the same shard as the model without it sees it: iterates are compared there.
	Scored []Shard `json:"scored,omitempty"`
	// Precision is that of the gradients.
	Precision runtime.Precision `json:"precision,omitempty"`
}

// deltasFile holds a perturbation for each image of a shard, as deltaFile does; zeros where the image has no map.
const deltasFile = "deltas.f32"

func (r *runner) runPerImage(ctx context.Context, job *pipeline.Job, spec PerImageSpec) error {
	a, err := attack.New(spec.Attack)
	if err != nil {
		return err
	}
	needs := a.Needs()
	if !needs.PerImage() {
		return fmt.Errorf("attack %s finds no perturbation per image", spec.Attack.Kind)
	}
	kind, err := objective(needs.Ascent.Objective)
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
	batcher, err := e.climbing(*needs.Ascent, spec.Problem, spec.Source)
	if err != nil {
		return err
	}
	scored, err := e.scored(job, batcher, spec.Scored...)
	if err != nil {
		return err
	}
	defer scored.Set.Close()
	file, err := imageset.Create(filepath.Join(job.Out, deltasFile))
	if err != nil {
		return err
	}
	defer file.Close()
	err = engine.Each(ctx, r.engine, kind, e.source, e.set.Len(),
		func(o *saliency.Objective, lo, hi int) ([]float32, error) {
			return ascendEach(ctx, o, *needs.Ascent, spec.Problem, batcher, scored, lo, hi)
		},
		func(lo, hi int, deltas []float32) error {
			job.Progress(int64(hi), int64(e.set.Len()))
			if _, err := file.Write(imageset.BytesOf(deltas)); err != nil {
				return fmt.Errorf("write perturbations: %w", err)
			}
			return nil
		})
	if err != nil {
		return err
	}
	job.Count(pipeline.CountImages, int64(e.set.Len()))
	return file.Close()
}

// ascendEach returns the perturbations of images lo to hi.
func ascendEach(ctx context.Context, o *saliency.Objective, a attack.Ascent, p Problem, b, scored imageset.Batcher, lo, hi int) ([]float32, error) {
	size := p.size()
	all := make([]float32, (hi-lo)*size)
	var positions []int
	for i := lo; i < hi; i++ {
		if b.Set.HasMap(i) && scored.Set.HasMap(i) {
			positions = append(positions, i)
		}
	}
	if len(positions) == 0 {
		return all, nil
	}
	state, err := attack.EachImage{
		Ball: p.ball(), Size: size, Images: len(positions),
		Start: func(ascent int, deltas []float32) (err error) {
			for k, i := range positions {
				err = errors.Join(err, attack.RandomStart(p.ball(), p.Seed, b.Set.Images[i].ID, ascent, deltas[k*size:(k+1)*size]))
			}
			return err
		},
		Evaluate: func(ctx context.Context, deltas []float32, noise attack.NoiseKey, rows, values []float32) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			looked := b
			if rows == nil {
				looked = scored
			}
			return evaluateEach(o, a.Objective, looked, positions, deltas, noise, rows, values)
		},
	}.Climb(ctx, a.Settings)
	if err != nil {
		return nil, err
	}
	for k, i := range positions {
		delta := state.Best[k*size : (k+1)*size]
		if err := p.ball().Project(delta); err != nil {
			return nil, fmt.Errorf("project the perturbation of image %s: %w", b.Set.Images[i], err)
		}
		copy(all[(i-lo)*size:], delta)
	}
	return all, nil
}

// evaluateEach is that of an attack.EachImage: the mean over the draws of the noise.
func evaluateEach(o *saliency.Objective, objective attack.Objective, b imageset.Batcher, positions []int, deltas []float32, noise attack.NoiseKey,
	rows, values []float32) error {
	size := b.Set.Size
	clear(rows)
	clear(values)
	for draw := range b.Noise.Draws {
		own := func(k int) []float32 { return deltas[k*size : (k+1)*size] }
		e, err := evaluate(o, b, positions, perturbed(own, b, noise, draw), rows != nil)
		if err != nil {
			return err
		}
		if rows != nil {
			e.dropClipped()
		}
		for k, value := range e.Value {
			clamped, climbs := objective.Clamped(float64(value))
			values[k] += float32(clamped)
			if rows == nil || !climbs {
				continue
			}
			for j := k * size; j < (k+1)*size; j++ {
				// A gradient that is not finite moves its image nowhere.
				if g := e.Rows[j]; finite(float64(g)) {
					rows[j] += g
				}
			}
		}
	}
	scale(values, 1/float32(b.Noise.Draws))
	return nil
}
