package stages

import (
	"context"
	"fmt"

	"upi/attack"
	"upi/pipeline"
	"upi/savedmodels/saliency"
)

// deltasFile holds a perturbation for each image of a shard, as delta.f32; zeros where the image has no map.
const deltasFile = "deltas.f32"

// runPerImage gives each image of one shard a perturbation of its own. Its spec is a fitSpec with one source.
func (e *engine) runPerImage(ctx context.Context, job *pipeline.Job) error {
	var spec fitSpec
	if err := job.Decode(&spec); err != nil {
		return err
	}
	a, err := spec.Attack.attack()
	if err != nil {
		return err
	}
	needs := a.Needs()
	if !needs.PerImage() {
		return fmt.Errorf("attack %s finds no perturbation per image", spec.Attack.Kind)
	}
	from := spec.Sources[0].at(job.File(roleModel))
	o, err := e.open(from)
	if err != nil {
		return err
	}
	s, err := o.split(job)
	if err != nil {
		return err
	}
	defer s.Close()
	v := view{s, o.explains(needs.Ascent.Objective.Of), spec.Clip, spec.Noise, spec.Seed}
	file, err := createRecords(job, deltasFile)
	if err != nil {
		return err
	}
	defer file.Close()
	err = each(ctx, e, objectives[needs.Ascent.Objective.Of], from, s.Len(),
		func(p *saliency.Objective, lo, hi int) ([]float32, error) {
			return climbEach(ctx, p, needs.Ascent.Settings, spec, v, lo, hi)
		},
		func(lo, hi int, deltas []float32) error {
			job.Progress(int64(hi), int64(s.Len()))
			if _, err := file.Write(bytesOf(deltas)); err != nil {
				return fmt.Errorf("write perturbations: %w", err)
			}
			return nil
		})
	if err != nil {
		return err
	}
	job.Count(pipeline.CountImages, int64(s.Len()))
	return file.Close()
}

// climbEach returns the perturbations of images lo to hi.
func climbEach(ctx context.Context, p *saliency.Objective, settings attack.AscentSettings, spec fitSpec, v view,
	lo, hi int) ([]float32, error) {
	size := spec.size()
	all := make([]float32, (hi-lo)*size)
	var positions []int
	for i := lo; i < hi; i++ {
		if v.split.references[i].hasMap() {
			positions = append(positions, i)
		}
	}
	if len(positions) == 0 {
		return all, nil
	}
	evaluate := func(ctx context.Context, deltas []float32, noise attack.NoiseKey, rows, values []float32) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return v.evaluateEach(p, positions, deltas, noise, rows, values)
	}
	state, err := attack.EachImage{Ball: spec.ball(), Size: size, Images: len(positions), Evaluate: evaluate}.Climb(ctx, settings)
	if err != nil {
		return nil, err
	}
	for k, i := range positions {
		delta := state.Best[k*size : (k+1)*size]
		if err := spec.ball().Project(delta); err != nil {
			return nil, fmt.Errorf("project the perturbation of image %d: %w", v.split.images[i].ID, err)
		}
		copy(all[(i-lo)*size:], delta)
	}
	return all, nil
}

// evaluateEach is that of an attack.EachImage: the mean over the draws of the noise.
func (v view) evaluateEach(p *saliency.Objective, positions []int, deltas []float32, noise attack.NoiseKey, rows, values []float32) error {
	size := v.split.size
	clear(rows)
	clear(values)
	for draw := range v.noise.Draws {
		how := variant{
			delta:   func(k int) []float32 { return deltas[k*size : (k+1)*size] },
			purpose: noise.Purpose,
			draw:    noise.Draw*int64(v.noise.Draws) + int64(draw),
		}
		var kept []float32
		if v.clip {
			kept = make([]float32, len(positions)*size)
		}
		b, err := v.batch(positions, how, kept)
		if err != nil {
			return err
		}
		if rows == nil {
			each, err := p.Evaluate(b)
			if err != nil {
				return err
			}
			add(values, each)
			continue
		}
		g, err := p.Run(b)
		if err != nil {
			return err
		}
		add(values, g.Value)
		for j, gradient := range g.Rows {
			// A gradient that is not finite moves its image nowhere.
			if finite(float64(gradient)) && (kept == nil || kept[j] != 0) {
				rows[j] += gradient
			}
		}
	}
	scale(values, 1/float32(v.noise.Draws))
	return nil
}
