package stages

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"upi/attack"
	"upi/pca"
	"upi/pipeline"
	"upi/projection"
)

// fitSpec is a task that finds one perturbation.
type fitSpec struct {
	Attack itemSpec `json:"attack"`
	// Sources are the models that it is fitted on.
	Sources []sourceSpec `json:"sources"`
	// Shape is the perturbation's height, width and channels.
	Shape [3]int          `json:"shape"`
	Norm  projection.Norm `json:"norm"`
	Eps   float64         `json:"eps"`
	Noise attack.Noise    `json:"noise"`
	Clip  bool            `json:"clip"`
	Seed  int64           `json:"seed"`
	// Draw numbers the perturbations of an attack that draws several.
	Draw int64 `json:"draw"`
	// Shards is the number of fit shards.
	Shards int `json:"shards"`
}

func (s fitSpec) size() int { return s.Shape[0] * s.Shape[1] * s.Shape[2] }

func (s fitSpec) ball() projection.Ball { return projection.Ball{Norm: s.Norm, Eps: s.Eps} }

const (
	deltaFile = "delta.f32" // little-endian float32, H x W x C
	fitFile   = "fit.json"  // fitRecord
)

// A fitRecord tells how a perturbation was found.
type fitRecord struct {
	// Spectrum is what UPI-PCA and UPI-plus found out about the matrix of gradients.
	Spectrum *pca.Result `json:"spectrum,omitempty"`
	// Trace is the objective on held-back fit images while UPI-Grad and SGD-UAP climbed; BestStep's iterate is the result.
	Trace    []attack.TracePoint `json:"trace,omitempty"`
	BestStep int                 `json:"best_step,omitempty"`
}

func (e *engine) runFit(ctx context.Context, job *pipeline.Job) error {
	var spec fitSpec
	if err := job.Decode(&spec); err != nil {
		return err
	}
	a, err := spec.Attack.attack()
	if err != nil {
		return err
	}
	var delta []float32
	var record fitRecord
	switch needs := a.Needs(); {
	case needs.Draw != nil:
		delta, err = needs.Draw.Sample(spec.ball(), spec.size(), spec.Seed, spec.Draw)
	case needs.Rows != nil:
		delta, record, err = fitDirection(job.Parent(roleDirection), spec)
	case needs.Ascent != nil && !needs.PerImage():
		delta, record, err = e.fitSteps(ctx, job, spec, *needs.Ascent)
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
	if err := os.WriteFile(filepath.Join(job.Dir, deltaFile), bytesOf(delta), 0o666); err != nil {
		return fmt.Errorf("write perturbation: %w", err)
	}
	return writeJSON(filepath.Join(job.Dir, fitFile), record)
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
	copy(bytesOf(delta), raw)
	return delta, nil
}

func writeJSON(path string, value any) error {
	encoded, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	if err := os.WriteFile(path, append(encoded, '\n'), 0o666); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

func readJSON(path string, value any) error {
	encoded, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	if err := json.Unmarshal(encoded, value); err != nil {
		return fmt.Errorf("decode %s: %w", path, err)
	}
	return nil
}

// l2 returns the L2 norm of the largest perturbations of a budget: for L-infinity that of its corners.
func l2(norm projection.Norm, eps float64, size int) float64 {
	if norm == projection.LInf {
		return eps * math.Sqrt(float64(size))
	}
	return eps
}
