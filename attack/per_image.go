package attack

import (
	"context"
	"errors"
	"fmt"
	"math"

	"upi/projection"
	"upi/setting"
)

// A PerImage attack gives each image a perturbation of its own.
type PerImage interface {
	Attack
	// Method returns the ascent's settings.
	Method() Ascent
	// Smoothness says how what is differentiated is smoothed.
	Smoothness() Smoothed
	// ClimbEach runs the ascent for each of n images.
	ClimbEach(ctx context.Context, ball projection.Ball, size, n int, evaluate Each) ([]float32, error)
}

// Each writes for each image the objective at its own perturbation to values, and the gradients to rows (n x size), unless
// it is nil; deltas is n x size.
type Each func(ctx context.Context, deltas []float32, noise NoiseKey, rows, values []float32) error

// PerImageAttack is the upper reference of every universal perturbation: the ascent of UPI-Grad on each image alone. It looks
// at the image that it is scored on.
type PerImageAttack struct {
	UPIGrad `yaml:",inline"`
}

func newPerImage() *PerImageAttack {
	a := &PerImageAttack{*newUPIGrad()}
	a.Steps, a.StepSize, a.CheckEvery = 20, 0.4, 2
	return a
}

// Validate lists what is impossible in the settings.
func (p *PerImageAttack) Validate() []error {
	return append(p.UPIGrad.Validate(),
		setting.Check(p.FitImages == 0, "fit_images", p.FitImages, "an attack per image looks at no fit image: remove the key")...)
}

// ClimbEach returns for each image the iterate of the largest objective, n x size.
func (p *PerImageAttack) ClimbEach(ctx context.Context, ball projection.Ball, size, n int, evaluate Each) ([]float32, error) {
	deltas, best := make([]float32, n*size), make([]float32, n*size)
	rows, values, bestValues := make([]float32, n*size), make([]float32, n), make([]float32, n)
	for i := range bestValues {
		bestValues[i] = float32(math.Inf(-1))
	}
	gradient, scratch := make([]float64, size), make([]float32, size)
	for step := range p.Steps {
		if err := evaluate(ctx, deltas, NoiseKey{"smoothing", int64(step)}, rows, values); err != nil {
			return nil, fmt.Errorf("step %d: %w", step+1, err)
		}
		for i := range n {
			for j, v := range rows[i*size : (i+1)*size] {
				gradient[j] = float64(v)
			}
			err := p.step(ball, deltas[i*size:(i+1)*size], gradient, step, scratch)
			if err != nil && !errors.Is(err, projection.ErrZero) {
				return nil, fmt.Errorf("image %d of the batch, step %d: %w", i, step+1, err)
			}
		}
		if (step+1)%p.CheckEvery != 0 && step+1 != p.Steps {
			continue
		}
		if err := evaluate(ctx, deltas, NoiseKey{"held back", 0}, nil, values); err != nil {
			return nil, fmt.Errorf("compare after step %d: %w", step+1, err)
		}
		for i, v := range values {
			if v > bestValues[i] {
				bestValues[i] = v
				copy(best[i*size:(i+1)*size], deltas[i*size:(i+1)*size])
			}
		}
	}
	return best, nil
}
