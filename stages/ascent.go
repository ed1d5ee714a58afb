package stages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"upi/attack"
	"upi/pipeline"
	"upi/pipeline/atomicfile"
	"upi/savedmodels/engine"
	"upi/savedmodels/saliency"
	"upi/stages/imageset"
)

// ascend climbs an objective step by step, and goes on from the last checkpoint of a killed task.
func (r *runner) ascend(ctx context.Context, job *pipeline.Job, spec FitSpec, a attack.Ascent) ([]float32, fitRecord, error) {
	kind, err := objective(a.Objective)
	if err != nil {
		return nil, fitRecord{}, err
	}
	m := &meanObjective{engine: r.engine, kind: kind, objective: a.Objective}
	for _, source := range spec.Sources {
		e, err := r.openIn(spec.Precision, job, source.Source, source.Shards...)
		if err != nil {
			return nil, fitRecord{}, err
		}
		defer e.set.Close()
		if err := r.checkReduced(ctx, job, kind, e.source); err != nil {
			return nil, fitRecord{}, err
		}
		batcher, err := e.batcher(a.Objective, spec.Goal)
		if err != nil {
			return nil, fitRecord{}, err
		}
		batcher.Clip, batcher.Noise, batcher.Seed = spec.Clip, spec.Noise, spec.Seed
		m.sources, m.batchers = append(m.sources, e.source), append(m.batchers, batcher)
	}
	m.eligible(job)
	if len(m.images) == 0 {
		return nil, fitRecord{}, errNoImage("a map", m.absences())
	}
	dir, err := job.Checkpoint()
	if err != nil {
		return nil, fitRecord{}, err
	}
	path := filepath.Join(dir, "ascent.json")
	var state *attack.State
	if err := readJSON(path, &state); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fitRecord{}, fmt.Errorf("read checkpoint: %w", err)
	}
	problem := attack.Universal{Ball: spec.ball(), Size: spec.size(), Images: len(m.images), Seed: spec.Seed, Mean: m.mean}
	state, err = problem.Climb(ctx, a.Settings, state, func(s *attack.State) error {
		job.Progress(int64(s.Step), int64(a.Settings.Steps))
		return checkpoint(path, s)
	})
	if err != nil {
		return nil, fitRecord{}, err
	}
	progress := state.Progress[0]
	if progress.ZeroSteps > 0 {
		job.Warn("step with a zero gradient", int64(progress.ZeroSteps), "")
	}
	if n := m.notFinite; n > 0 {
		job.Warn("gradient is not finite", n, m.example)
	}
	job.Count(pipeline.CountImages, int64(a.Settings.Steps*min(a.Settings.Batch, len(m.images))))
	return state.Best, fitRecord{Trace: progress.Trace, BestStep: progress.BestStep}, nil
}

func checkpoint(path string, s *attack.State) error {
	encoded, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode checkpoint: %w", err)
	}
	return atomicfile.WriteFile(path, encoded)
}

// A meanObjective evaluates the mean of an objective over images and sources.
type meanObjective struct {
	engine    *engine.Engine
	kind      engine.Kind[*saliency.Objective]
	objective attack.Objective
	sources   []engine.Source
	batchers  []imageset.Batcher
	// images are the positions of those that have a map in every source.
	images []int

	notFinite int64
	example   string
}

// eligible lists the images that have a map in every source.
func (m *meanObjective) eligible(job *pipeline.Job) {
	for i := range m.batchers[0].Set.Len() {
		all := true
		for _, b := range m.batchers {
			all = all && b.Set.HasMap(i)
		}
		if all {
			m.images = append(m.images, i)
		} else {
			job.Count(pipeline.CountLeftOut, 1)
		}
	}
}

// absences counts the clean maps that are not there, source by source.
func (m *meanObjective) absences() []absence {
	var sources []absence
	for _, b := range m.batchers {
		sources = append(sources, absenceOf(b.Set))
	}
	return sources
}

// mean is that of an attack.Universal.
func (m *meanObjective) mean(ctx context.Context, images []int, delta []float32, noise attack.NoiseKey, gradient []float64) (float64, error) {
	positions := make([]int, len(images))
	for k, i := range images {
		positions[k] = m.images[i]
	}
	total, count := 0.0, 0
	for k, b := range m.batchers {
		for draw := range b.Noise.Draws {
			how := perturbed(func(int) []float32 { return delta }, b, noise, draw)
			sum, n, err := m.sum(ctx, k, positions, how, gradient)
			if err != nil {
				return 0, err
			}
			total += sum
			count += n
		}
	}
	if count == 0 {
		return 0, fmt.Errorf("none of the %d images of the batch has a finite gradient; of the fit split %s", len(images), m.absences()[0])
	}
	return total / float64(count), nil
}

// perturbed says what an evaluation adds to its images: a perturbation, and one of the draws of noise.
func perturbed(delta func(k int) []float32, b imageset.Batcher, noise attack.NoiseKey, draw int) imageset.Perturbed {
	return imageset.Perturbed{Delta: delta, Purpose: noise.Purpose, Draw: noise.Draw*int64(b.Noise.Draws) + int64(draw)}
}

// sum adds up the objective of one source, and its gradients if gradient is not nil, in the order of the images.
func (m *meanObjective) sum(ctx context.Context, k int, positions []int, how imageset.Perturbed, gradient []float64) (total float64, count int, err error) {
	b := m.batchers[k]
	size := b.Set.Size
	err = engine.Each(ctx, m.engine, m.kind, m.sources[k], len(positions),
		func(o *saliency.Objective, lo, hi int) (evaluated, error) {
			return evaluate(o, b, positions[lo:hi], how, gradient != nil)
		},
		func(lo, hi int, g evaluated) error {
			for j, i := range positions[lo:hi] {
				value := float64(g.Value[j])
				var row []float32
				if gradient != nil {
					row = g.Rows[j*size : (j+1)*size]
				}
				if !finite(value + squared(row)) {
					m.notFinite++
					m.example = "image " + b.Set.Images[i].String()
					continue
				}
				count++
				clamped, climbs := m.objective.Clamped(value)
				total += clamped
				if climbs {
					addTo(gradient, row, g.kept, j*size)
				}
			}
			return nil
		})
	return total, count, err
}

// An evaluated is an objective of a batch, with the derivative of the clipping if the images were clipped.
type evaluated struct {
	saliency.Gradients
	kept []float32
}

// evaluate computes an objective of the images at the positions, and if need be its gradients.
func evaluate(o *saliency.Objective, b imageset.Batcher, positions []int, how imageset.Perturbed, gradients bool) (e evaluated, err error) {
	if b.Clip {
		e.kept = make([]float32, len(positions)*b.Set.Size)
	}
	batch, err := b.Batch(positions, how, e.kept)
	if err != nil {
		return e, err
	}
	if gradients {
		e.Gradients, err = o.Run(batch)
	} else {
		e.Value, err = o.Evaluate(batch)
	}
	return e, err
}

// addTo adds a row to the sum, where kept (from at on) is nil or not 0.
func addTo(sum []float64, row, kept []float32, at int) {
	for i, v := range row {
		if kept == nil || kept[at+i] != 0 {
			sum[i] += float64(v)
		}
	}
}
