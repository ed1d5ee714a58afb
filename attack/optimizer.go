package attack

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"upi/projection"
	"upi/setting"
)

// An Optimizer is how an ascent steps along the gradients of one iterate. Its exported fields are its state: they are saved
// as JSON with the ascent and read back when it goes on, so with them the next step is the same to the bit.
type Optimizer interface {
	// Step moves delta by a step of about the length size (pixel units, in the ball's norm), chosen from this gradient, which
	// is finite and not zero, and those before, and projects it to the ball. It returns [projection.ErrZero] and leaves delta
	// as it was where it finds no direction. Scratch is as long as delta, for whatever the step needs.
	Step(ball projection.Ball, delta []float32, gradient []float64, size float64, scratch []float32) error
}

// An OptimizerKind is a line of the table of the optimizers.
type OptimizerKind struct {
	// New returns the optimizer at the start of an ascent, or an error that says which decays it can have.
	New func(decay float64) (Optimizer, error)
	// Momentum is the decay where the settings give none. An optimizer without one has no such setting.
	Momentum float64
}

// Optimizers is the table of the optimizers, by their name in a config.
var Optimizers = map[string]OptimizerKind{
	// Every step looks at its own gradient alone.
	"plain": {New: func(float64) (Optimizer, error) { return &plain{}, nil }},

	// These remember the gradients before.
	"adam": {New: newAdam, Momentum: 0.9},
	// As a decayed sum alone.
	"momentum": {New: newMomentum, Momentum: 0.9},
}

// optimizer returns the optimizer of the settings at the start of an ascent.
func (a AscentSettings) optimizer() (Optimizer, error) {
	kind, ok := Optimizers[a.Optimizer]
	if !ok {
		return nil, fmt.Errorf("there is no optimizer %q", a.Optimizer)
	}
	if a.Momentum != nil {
		return kind.New(*a.Momentum)
	}
	return kind.New(kind.Momentum)
}

func (a AscentSettings) validateOptimizer() []error {
	kind, ok := Optimizers[a.Optimizer]
	names := strings.Join(slices.Sorted(maps.Keys(Optimizers)), ", ")
	problems := setting.Check(ok, "optimizer", a.Optimizer, "want one of "+names)
	if !ok || a.Momentum == nil {
		return problems
	}
	if kind.Momentum == 0 {
		return setting.Check(false, "momentum", *a.Momentum, "the optimizer "+a.Optimizer+" has no momentum: remove the key")
	}
	if _, err := kind.New(*a.Momentum); err != nil {
		return setting.Check(false, "momentum", *a.Momentum, err.Error())
	}
	return nil
}

// plain steps along the gradient divided by its L2 norm, or along its sign for L-infinity. It has no state.
type plain struct{}

func (*plain) Step(ball projection.Ball, delta []float32, gradient []float64, size float64, scratch []float32) error {
	return projection.Step(ball, delta, gradient, size, scratch)
}
