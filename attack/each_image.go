package attack

import (
	"context"

	"upi/projection"
)

// EachImage is the ascent of one perturbation for each of several images, each on its own objective alone.
type EachImage struct {
	// Ball is the set of allowed perturbations.
	Ball projection.Ball
	// Size is the number of values of a perturbation, and Images the number n of images.
	Size, Images int
	// Start writes where the ascents of that number, from 1 on, begin to deltas (n x Size).
	Start func(ascent int, deltas []float32) error
	// Evaluate writes for each image the objective at its own perturbation to values (n numbers), and the gradients to rows
	// (n x Size) unless it is nil; deltas is n x Size. The noise of purpose and draw is a function of these and the image
	// alone.
	Evaluate func(ctx context.Context, deltas []float32, noise NoiseKey, rows, values []float32) error
}

// Climb runs the ascents side by side; the result's Best is the perturbations, n x Size. One whose gradient is always zero
// stays zero.
func (e EachImage) Climb(ctx context.Context, a AscentSettings) (*State, error) {
	rows, single := make([]float32, e.Images*e.Size), make([]float32, e.Images)
	return a.climb(ctx, problem{
		ball: e.Ball, size: e.Size, iterates: e.Images, start: e.Start,
		gradients: func(ctx context.Context, step int, deltas []float32, gradients []float64) error {
			if err := e.Evaluate(ctx, deltas, a.stepNoise(step), rows, single); err != nil {
				return err
			}
			widen(gradients, rows)
			return nil
		},
		values: func(ctx context.Context, deltas []float32, values []float64) error {
			if err := e.Evaluate(ctx, deltas, comparisonNoise, nil, single); err != nil {
				return err
			}
			widen(values, single)
			return nil
		},
	}, nil, nil)
}

func widen(to []float64, from []float32) {
	for j, v := range from {
		to[j] = float64(v)
	}
}
