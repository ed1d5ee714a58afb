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
	"upi/savedmodels/saliency"
)

// fitSteps climbs an objective step by step, and goes on from the last checkpoint of a killed task.
func (e *engine) fitSteps(ctx context.Context, job *pipeline.Job, spec fitSpec,
	ascent attack.Ascent) ([]float32, fitRecord, error) {
	climb := climb{engine: e, target: objectives[ascent.Objective.Of], objective: ascent.Objective}
	models := job.Files(roleModel)
	for k, source := range spec.Sources {
		from := source.at(models[k])
		o, err := e.open(from)
		if err != nil {
			return nil, fitRecord{}, err
		}
		references := job.Parents(roleReference)[k*spec.Shards : (k+1)*spec.Shards]
		s, err := openSplit(job.Parents(roleImages), references, spec.size(), spec.Shape[0]*spec.Shape[1])
		if err != nil {
			return nil, fitRecord{}, err
		}
		defer s.Close()
		climb.sources = append(climb.sources, from)
		climb.views = append(climb.views, view{s, o.explains(ascent.Objective.Of), spec.Clip, spec.Noise, spec.Seed})
	}
	climb.eligible(job)
	if len(climb.images) == 0 {
		return nil, fitRecord{}, errors.New("no image of the fit split has a map")
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
	settings := ascent.Settings
	universal := attack.Universal{Ball: spec.ball(), Size: spec.size(), Images: len(climb.images), Seed: spec.Seed, Mean: climb.mean}
	state, err = universal.Climb(ctx, settings, state, func(s *attack.State) error {
		job.Progress(int64(s.Step), int64(settings.Steps))
		return checkpoint(path, s)
	})
	if err != nil {
		return nil, fitRecord{}, err
	}
	progress := state.Progress[0]
	if progress.ZeroSteps > 0 {
		job.Warn("step with a zero gradient", int64(progress.ZeroSteps), "")
	}
	if n := climb.notFinite; n > 0 {
		job.Warn("gradient is not finite", n, climb.example)
	}
	job.Count(pipeline.CountImages, int64(settings.Steps*min(settings.Batch, len(climb.images))))
	return state.Best, fitRecord{Trace: progress.Trace, BestStep: progress.BestStep}, nil
}

// A climb evaluates the mean objective of one or several sources.
type climb struct {
	engine    *engine
	target    builder[*saliency.Objective]
	objective attack.Objective
	sources   []source
	views     []view
	// images are the positions of those that have a map in every source.
	images []int

	notFinite int64
	example   string
}

// eligible lists the images that have a map in every source.
func (c *climb) eligible(job *pipeline.Job) {
	for i := range c.views[0].split.Len() {
		all := true
		for _, v := range c.views {
			all = all && v.split.references[i].hasMap()
		}
		if all {
			c.images = append(c.images, i)
		} else {
			job.Count(pipeline.CountLeftOut, 1)
		}
	}
}

// mean is that of an attack.Universal.
func (c *climb) mean(ctx context.Context, images []int, delta []float32, noise attack.NoiseKey, gradient []float64) (float64, error) {
	positions := make([]int, len(images))
	for k, i := range images {
		positions[k] = c.images[i]
	}
	total, count := 0.0, 0
	for k, v := range c.views {
		for draw := range v.noise.Draws {
			how := variant{
				delta:   func(int) []float32 { return delta },
				purpose: noise.Purpose,
				draw:    noise.Draw*int64(v.noise.Draws) + int64(draw),
			}
			sum, n, err := c.sum(ctx, k, positions, how, gradient)
			if err != nil {
				return 0, err
			}
			total += sum
			count += n
		}
	}
	if count == 0 {
		return 0, errors.New("no image of the batch has a finite gradient")
	}
	return total / float64(count), nil
}

// sum adds up the objective of one source, and its gradients if gradient is not nil, in the order of the images.
func (c *climb) sum(ctx context.Context, k int, positions []int, how variant, gradient []float64) (total float64, count int, err error) {
	v := c.views[k]
	size := v.split.size
	type gradients struct {
		saliency.Gradients
		kept []float32
	}
	err = each(ctx, c.engine, c.target, c.sources[k], len(positions),
		func(p *saliency.Objective, lo, hi int) (g gradients, err error) {
			if v.clip {
				g.kept = make([]float32, (hi-lo)*size)
			}
			b, err := v.batch(positions[lo:hi], how, g.kept)
			if err != nil {
				return g, err
			}
			if gradient == nil {
				g.Value, err = p.Evaluate(b)
				return g, err
			}
			g.Gradients, err = p.Run(b)
			return g, err
		},
		func(lo, hi int, g gradients) error {
			for j, i := range positions[lo:hi] {
				value := float64(g.Value[j])
				var row []float32
				if gradient != nil {
					row = g.Rows[j*size : (j+1)*size]
				}
				if !finite(value + squared(row)) {
					c.notFinite++
					c.example = fmt.Sprintf("image %d", v.split.images[i].ID)
					continue
				}
				count++
				value, climbs := c.objective.Clamped(value)
				total += value
				if !climbs {
					continue
				}
				addTo(gradient, row, g.kept, j*size)
			}
			return nil
		})
	return total, count, err
}

// addTo adds a row to the sum, where kept (from at on) is nil or not 0.
func addTo(sum []float64, row, kept []float32, at int) {
	for i, v := range row {
		if kept == nil || kept[at+i] != 0 {
			sum[i] += float64(v)
		}
	}
}

func checkpoint(path string, s *attack.State) error {
	encoded, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode checkpoint: %w", err)
	}
	return atomicfile.WriteFile(path, encoded)
}
