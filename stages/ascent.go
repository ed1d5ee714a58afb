package stages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
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
	m := &meanObjective{engine: r.engine, kind: kind, ascent: a}
	for _, source := range spec.Sources {
		e, err := r.openIn(spec.Precision, job, source.Source, source.Shards...)
		if err != nil {
			return nil, fitRecord{}, err
		}
		defer e.set.Close()
		if err := r.checkReduced(ctx, job, kind, e.source); err != nil {
			return nil, fitRecord{}, err
		}
		batcher, err := e.climbing(a, spec.Problem, source.Source)
		if err != nil {
			return nil, fitRecord{}, err
		}
		scored, err := e.scored(job, batcher, source.Scored...)
		if err != nil {
			return nil, fitRecord{}, err
		}
		defer scored.Set.Close()
		// Only distances from clean maps have a relative size, and what keeps predictions is weighed against distances as they are.
		distance := a.Objective.Of == attack.Dissimilarity && !a.Objective.Keeps()
		relative := distance && a.Settings.Rows == attack.Relative
		m.sources = append(m.sources, e.source)
		m.climbed = append(m.climbed, batched{batcher, relative})
		m.compared = append(m.compared, batched{scored, relative || distance && len(source.Scored) > 0})
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
		job.Progress(int64(s.Step), int64(a.Settings.Total()))
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
	job.Count(pipeline.CountImages, int64(a.Settings.Total()*min(a.Settings.Batch, len(m.images))))
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
	engine  *engine.Engine
	kind    engine.Kind[*saliency.Objective]
	ascent  attack.Ascent
	sources []engine.Source
	// climbed is what steps look at, of each source; compared is what iterates are compared on.
	climbed, compared []batched
	// images are the positions of those that have a map in every source.
	images []int

	notFinite int64
	example   string
}

// A batched makes batches of the images of a source.
type batched struct {
	imageset.Batcher
	// relative has distances of maps count relative to the norms of the images' clean maps, as they are scored.
	relative bool
}

// eligible lists the images that have a map in every source.
func (m *meanObjective) eligible(job *pipeline.Job) {
	for i := range m.climbed[0].Set.Len() {
		all := true
		for k, b := range m.climbed {
			all = all && b.Set.HasMap(i) && m.compared[k].Set.HasMap(i)
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
	for _, b := range m.climbed {
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
	looked := m.climbed
	if gradient == nil {
		looked = m.compared
	}
	total, count := 0.0, 0
	for k, b := range looked {
		for draw := range b.Noise.Draws {
			how := perturbed(func(int) []float32 { return delta }, b.Batcher, noise, draw)
			sum, n, err := m.sum(ctx, m.sources[k], b, positions, how, gradient)
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
	return imageset.Perturbed{Delta: delta, Purpose: noise.Purpose, Draw: noise.Draw*int64(b.Noise.Draws) + int64(draw), Done: noise.Done}
}

// sum adds up the objective of one source, and its gradients if gradient is not nil, in the order of the images.
func (m *meanObjective) sum(ctx context.Context, source engine.Source, b batched, positions []int, how imageset.Perturbed,
	gradient []float64) (total float64, count int, err error) {
	size := b.Set.Size
	err = engine.Each(ctx, m.engine, m.kind, source, len(positions),
		func(o *saliency.Objective, lo, hi int) (evaluated, error) {
			return evaluate(o, b.Batcher, positions[lo:hi], how, gradient != nil)
		},
		func(lo, hi int, g evaluated) error {
			for j, i := range positions[lo:hi] {
				value := float64(g.Value[j])
				var row []float32
				if gradient != nil {
					row = g.Rows[j*size : (j+1)*size]
				}
				norm := squared(row)
				if !finite(value + norm) {
					m.notFinite++
					m.example = "image " + b.Set.Images[i].String()
					continue
				}
				count++
				clamped, climbs := m.ascent.Objective.Clamped(value)
				scale := 1.0
				if b.relative && b.Reference {
					scale = 1 / math.Sqrt(squared(g.reference[j*b.Set.Pixels:(j+1)*b.Set.Pixels]))
				}
				total += clamped * scale
				if m.ascent.Settings.Rows == attack.Unit && norm > 0 {
					scale = 1 / math.Sqrt(norm)
				}
				if climbs {
					addTo(gradient, row, scale, g.kept, j*size)
				}
			}
			return nil
		})
	return total, count, err
}

// An evaluated is an objective of a batch, with the derivative of the clipping if the images were clipped, and the clean maps if it
// looks at them.
type evaluated struct {
	saliency.Gradients
	kept, reference []float32
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
	e.reference = batch.Reference
	if gradients {
		e.Gradients, err = o.Run(batch)
	} else {
		e.Value, err = o.Evaluate(batch)
	}
	return e, err
}

// dropClipped makes the gradients 0 where clipping cut a value off.
func (e evaluated) dropClipped() {
	for i, keeps := range e.kept {
		if keeps == 0 {
			e.Rows[i] = 0
		}
	}
}

// addTo adds scale times a row to the sum, where kept (from at on) is nil or not 0.
func addTo(sum []float64, row []float32, scale float64, kept []float32, at int) {
	for i, v := range row {
		if kept == nil || kept[at+i] != 0 {
			sum[i] += scale * float64(v)
		}
	}
}
