package attack

import (
	"errors"
	"math"

	"upi/projection"
)

// adam is projected Adam (Kingma and Ba 2015): running means of the gradients and of their squares, the one divided by the
// root of the other. Entries of +-1 make a step of length size: for L2 the step is divided by the root of the number of
// entries.
type adam struct {
	// Steps counts the gradients seen so far.
	Steps int `json:"steps"`
	// Mean and Square are the running means, each starting at 0.
	Mean   []float64 `json:"mean"`
	Square []float64 `json:"square"`
	decay  float64
}

const (
	// adamSquareDecay is the paper's beta_2.
	adamSquareDecay = 0.999
	// adamEpsilon is the paper's addend, here relative to the largest root, so that the scale of the gradients, which differs
	// by orders of magnitude between networks, does not matter.
	adamEpsilon = 1e-8
)

func newAdam(decay float64) (Optimizer, error) {
	if !(decay >= 0 && decay < 1) {
		return nil, errors.New("want a decay from 0 up, below 1")
	}
	return &adam{decay: decay}, nil
}

func (a *adam) Step(ball projection.Ball, delta []float32, gradient []float64, size float64, _ []float32) error {
	if a.Steps == 0 {
		a.Mean, a.Square = make([]float64, len(delta)), make([]float64, len(delta))
	}
	a.Steps++
	largest := 0.0
	for j, g := range gradient {
		a.Mean[j] = a.decay*a.Mean[j] + (1-a.decay)*g
		a.Square[j] = adamSquareDecay*a.Square[j] + (1-adamSquareDecay)*g*g
		largest = max(largest, a.Square[j])
	}
	if ball.Norm == projection.L2 {
		size /= math.Sqrt(float64(len(delta)))
	}
	// Both means start at 0; these factors undo what that takes from them.
	ofMean := 1 / (1 - math.Pow(a.decay, float64(a.Steps)))
	ofSquare := 1 / (1 - math.Pow(adamSquareDecay, float64(a.Steps)))
	epsilon := adamEpsilon * math.Sqrt(largest*ofSquare)
	for j, m := range a.Mean {
		root := math.Sqrt(a.Square[j] * ofSquare)
		delta[j] = float32(float64(delta[j]) + size*m*ofMean/(root+epsilon))
	}
	return ball.Project(delta)
}
