package attack

import (
	"errors"
	"math"

	"upi/projection"
)

// momentum is the iterative method with momentum of Dong et al. (2018): it adds each gradient, divided by its L1 norm, to the
// decayed sum of those before, and steps along the sum as plain steps along a gradient. What the gradients have in common adds
// up; what turns its sign from step to step cancels.
type momentum struct {
	// Sum is the decayed sum of the gradients; nil before the first.
	Sum   []float64 `json:"sum"`
	decay float64
}

func newMomentum(decay float64) (Optimizer, error) {
	if !(decay >= 0 && decay <= 1) {
		return nil, errors.New("want a decay from 0 to 1")
	}
	return &momentum{decay: decay}, nil
}

func (m *momentum) Step(ball projection.Ball, delta []float32, gradient []float64, size float64, scratch []float32) error {
	if m.Sum == nil {
		m.Sum = make([]float64, len(gradient))
	}
	// Dividing by the largest entry first keeps the norm of a huge gradient from overflowing.
	largest, norm := projection.Of(projection.LInf, gradient), 0.0
	for _, g := range gradient {
		norm += math.Abs(g / largest)
	}
	for j, g := range gradient {
		m.Sum[j] = m.decay*m.Sum[j] + g/largest/norm
	}
	return projection.Step(ball, delta, m.Sum, size, scratch)
}
