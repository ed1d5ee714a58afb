package stages

import (
	"context"
	"fmt"
	"math"
	"path/filepath"

	"upi/attack"
	"upi/data/table"
	"upi/pipeline"
	"upi/savedmodels/saliency"
)

// gradientsSpec is a task that computes rows of the matrix G: for each fit image the gradient, at delta = 0, of what an attack
// looks at, as a mean over draws of the smoothing noise.
type gradientsSpec struct {
	Source sourceSpec      `json:"source"`
	Target attack.Function `json:"target"`
	Noise  attack.Noise    `json:"noise"`
	Seed   int64           `json:"seed"`
}

const gradientsFile = "gradients.parquet"

// A gradientRow is one row of G.
type gradientRow struct {
	ID int64 `parquet:"id"`
	// Position is the image's place in its shard.
	Position int64     `parquet:"position"`
	Value    float64   `parquet:"value"`
	Gradient []float32 `parquet:"gradient,fixed"`
}

// objectives is the table of what attacks look at.
var objectives = map[attack.Function]builder[*saliency.Objective]{
	attack.Dissimilarity: dissimilarity,
	attack.CrossEntropy:  crossEntropy,
}

func (e *engine) runGradients(ctx context.Context, job *pipeline.Job) error {
	var spec gradientsSpec
	if err := job.Decode(&spec); err != nil {
		return err
	}
	from := spec.Source.at(job.File(roleModel))
	o, err := e.open(from)
	if err != nil {
		return err
	}
	s, err := o.split(job)
	if err != nil {
		return err
	}
	defer s.Close()
	positions := s.withMap(job)
	v := view{split: s, explanation: o.explains(spec.Target), noise: spec.Noise, seed: spec.Seed}
	out, err := table.Create[gradientRow](filepath.Join(job.Dir, gradientsFile), table.Options{Width: map[string]int{"gradient": s.size}})
	if err != nil {
		return err
	}
	defer out.Abort()
	zero := int64(0)
	err = each(ctx, e, objectives[spec.Target], from, len(positions),
		func(p *saliency.Objective, lo, hi int) (saliency.Gradients, error) {
			return v.meanOverDraws(p, positions[lo:hi])
		},
		func(lo, hi int, g saliency.Gradients) error {
			job.Progress(int64(hi), int64(len(positions)))
			for k, i := range positions[lo:hi] {
				row := gradientRow{s.images[i].ID, int64(i), float64(g.Value[k]), g.Rows[k*s.size : (k+1)*s.size]}
				switch norm := squared(row.Gradient); {
				case !finite(norm):
					job.Warn("gradient is not finite", 1, fmt.Sprintf("image %d", row.ID))
					continue
				case norm == 0:
					zero++
					job.Warn("gradient is zero", 1, fmt.Sprintf("image %d", row.ID))
				}
				if err := out.Write(row); err != nil {
					return err
				}
			}
			return nil
		})
	if err != nil {
		return err
	}
	if len(positions) > 0 && zero == int64(len(positions)) {
		return attack.ErrZeroGradient
	}
	job.Count(pipeline.CountImages, int64(len(positions)))
	return out.Close()
}

// explains returns the explanation that an objective looks at, or nil.
func (o opened) explains(t attack.Function) saliency.Explanation {
	if t == attack.CrossEntropy {
		return nil
	}
	return o.explanation
}

// split opens the images and references of a job.
func (o opened) split(job *pipeline.Job) (*split, error) {
	shape := o.model.ImageShape()
	places := shape[0] * shape[1]
	return openSplit(job.Parents(roleImages), job.Parents(roleReference), places*shape[2], places)
}

// withMap lists the images that have a map, and counts the others.
func (s *split) withMap(job *pipeline.Job) []int {
	var positions []int
	for i, r := range s.references {
		if r.hasMap() {
			positions = append(positions, i)
		} else {
			job.Count(pipeline.CountLeftOut, 1)
		}
	}
	return positions
}

// meanOverDraws returns values and gradients at delta = 0, as means over the draws of the noise.
func (v view) meanOverDraws(p *saliency.Objective, positions []int) (saliency.Gradients, error) {
	var mean saliency.Gradients
	for draw := range v.noise.Draws {
		b, err := v.batch(positions, variant{purpose: "smoothing", draw: int64(draw)}, nil)
		if err != nil {
			return mean, err
		}
		g, err := p.Run(b)
		if err != nil {
			return mean, err
		}
		if draw == 0 {
			mean = g
			continue
		}
		add(mean.Rows, g.Rows)
		add(mean.Value, g.Value)
	}
	if v.noise.Draws > 1 {
		scale(mean.Rows, 1/float32(v.noise.Draws))
		scale(mean.Value, 1/float32(v.noise.Draws))
	}
	return mean, nil
}

func scale(x []float32, factor float32) {
	for j := range x {
		x[j] *= factor
	}
}

// squared returns the squared L2 norm.
func squared(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
