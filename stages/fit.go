package stages

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"upi/attack"
	"upi/pca"
	"upi/pipeline"
	"upi/projection"
	"upi/savedmodels/runtime"
	"upi/setting"
	"upi/stages/imageset"
)

// A Problem is what an attack is given beside its settings.
type Problem struct {
	Attack setting.Item `json:"attack"`
	// Shape is the perturbation's height, width and channels.
	Shape [3]int          `json:"shape"`
	Norm  projection.Norm `json:"norm"`
	// Eps is the budget in pixel units.
	Eps   float64      `json:"eps"`
	Noise attack.Noise `json:"noise"`
	Clip  bool         `json:"clip"`
	Seed  int64        `json:"seed"`
	// Draw numbers the perturbations of an attack that draws several.
	Draw int64 `json:"draw"`
	// Goal is what the attack's objective looks at.
	Goal Goal `json:"goal,omitzero"`
}

func (p Problem) size() int { return p.Shape[0] * p.Shape[1] * p.Shape[2] }

func (p Problem) ball() projection.Ball { return projection.Ball{Norm: p.Norm, Eps: p.Eps} }

// FitSpec is a task that finds one perturbation for all images.
type FitSpec struct {
	Problem
	// Sources are the models that an ascent looks at, with the fit shards as each sees them.
	Sources []FitSource `json:"sources,omitempty"`
	// Precision is that of an ascent's gradients. Its iterates are compared in float32.
	Precision runtime.Precision `json:"precision,omitempty"`
	// Direction is that of an attack on rows of gradients.
	Direction *pipeline.Artefact `json:"direction,omitempty"`
	// Rounds are instead what a direction that is refined gave, from the first to the last.
	Rounds []Point `json:"rounds,omitempty"`
}

// A FitSource is a model with the fit shards as it sees them.
type FitSource struct {
	Source Source  `json:"source"`
	Shards []Shard `json:"shards"`
	// Scored are, where the source has a surrogate, the same shards as the model without it sees them: iterates are compared there.
	Scored []Shard `json:"scored,omitempty"`
}

// Files of an artefact of the stage fit.
const (
	deltaFile = "delta.f32" // little-endian float32, H x W x C
	fitFile   = "fit.json"  // fitRecord
)

// A fitRecord tells how a perturbation was found.
type fitRecord struct {
	// Spectrum is what an attack on rows found out about the matrix of gradients.
	Spectrum *pca.Result `json:"spectrum,omitempty"`
	// Trace is the objective on held-back fit images during an ascent, or, where a direction is refined, the mean normalised L2 of the
	// fit images that decide the sign, after each time; what BestStep gave is the result.
	Trace    []attack.TracePoint `json:"trace,omitempty"`
	BestStep int                 `json:"best_step,omitempty"`
}

func (r *runner) runFit(ctx context.Context, job *pipeline.Job, spec FitSpec) error {
	a, err := attack.New(spec.Attack)
	if err != nil {
		return err
	}
	var delta []float32
	var record fitRecord
	switch needs := a.Needs(); {
	case needs.Draw != nil:
		delta, err = needs.Draw.Sample(spec.ball(), spec.size(), spec.Seed, spec.Draw)
	case needs.Rows != nil && spec.Rounds != nil:
		delta, record, err = bestRound(job, spec)
	case needs.Rows != nil:
		delta, record, err = fitDirection(job, spec)
	case needs.Ascent != nil && !needs.Ascent.PerImage:
		delta, record, err = r.ascend(ctx, job, spec, *needs.Ascent)
	default:
		err = fmt.Errorf("attack %s finds no universal perturbation", spec.Attack.Kind)
	}
	if err != nil {
		return err
	}
	// Whatever the attack returned, it ends in the ball, and finite.
	if err := spec.ball().Project(delta); err != nil {
		return fmt.Errorf("project the perturbation: %w", err)
	}
	if err := os.WriteFile(filepath.Join(job.Out, deltaFile), imageset.BytesOf(delta), 0o666); err != nil {
		return fmt.Errorf("write perturbation: %w", err)
	}
	return writeJSON(filepath.Join(job.Out, fitFile), record)
}

// fitDirection scales the direction that an artefact of the stage direction holds to the ball's boundary.
func fitDirection(job *pipeline.Job, spec FitSpec) ([]float32, fitRecord, error) {
	dir := job.Dir(*spec.Direction)
	var result pca.Result
	if err := readJSON(filepath.Join(dir, directionFile), &result); err != nil {
		return nil, fitRecord{}, err
	}
	if len(result.Vector) != spec.size() {
		return nil, fitRecord{}, fmt.Errorf("read direction %s: %d values, the perturbation has %d", dir, len(result.Vector), spec.size())
	}
	delta := make([]float32, spec.size())
	if err := projection.Boundary(spec.ball(), delta, result.Vector); err != nil {
		return nil, fitRecord{}, err
	}
	result.Vector = nil
	return delta, fitRecord{Spectrum: &result}, nil
}

// bestRound is the perturbation of the rounds that moves the maps of the fit images furthest, under the sign under which it does. One
// that leaves no image a map is not compared.
func bestRound(job *pipeline.Job, spec FitSpec) ([]float32, fitRecord, error) {
	var trace []attack.TracePoint
	best, furthest := 0, math.Inf(-1)
	for i, round := range spec.Rounds {
		sign, err := readSign(job.Dir(round.Sign))
		if err != nil {
			return nil, fitRecord{}, err
		}
		if sign.Images == 0 {
			continue
		}
		moved := max(*sign.Plus, *sign.Minus)
		trace = append(trace, attack.TracePoint{Step: i, Value: moved})
		if moved > furthest {
			best, furthest = i, moved
		}
	}
	if len(trace) == 0 {
		return nil, fitRecord{}, errors.New("no fit image that decides the sign has a map under both signs, so there is nothing to compare " +
			"the refined directions by: raise evaluation.sign_images, or set refine: 0")
	}
	delta, err := spec.Rounds[best].read(job, spec.size())
	if err != nil {
		return nil, fitRecord{}, err
	}
	var record fitRecord
	err = readJSON(filepath.Join(job.Dir(spec.Rounds[best].Delta), fitFile), &record)
	record.Trace, record.BestStep = trace, best
	return delta, record, err
}

// readDelta reads the perturbation of an artefact of the stage fit.
func readDelta(dir string, size int) ([]float32, error) {
	raw, err := os.ReadFile(filepath.Join(dir, deltaFile))
	if err != nil {
		return nil, fmt.Errorf("read perturbation: %w", err)
	}
	if len(raw) != 4*size {
		return nil, fmt.Errorf("read perturbation %s: %d bytes, %d values take %d", dir, len(raw), size, 4*size)
	}
	delta := make([]float32, size)
	copy(imageset.BytesOf(delta), raw)
	return delta, nil
}
