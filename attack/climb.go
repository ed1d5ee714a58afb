package attack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"upi/projection"
)

// A problem is n objectives side by side, each climbed by an iterate of its own: n is 1 for a universal perturbation, the
// number of images for one per image.
type problem struct {
	ball projection.Ball
	// size is the number of values of an iterate, and iterates is n.
	size, iterates int
	// start writes where the iterates of an ascent begin to deltas, n x size: of that number, from 1 on. The first begins at 0.
	start func(ascent int, deltas []float32) error
	// gradients adds the gradient of each objective at its iterate to gradients; deltas and gradients are n x size. Step is
	// counted from 0, through all ascents.
	gradients func(ctx context.Context, step int, deltas []float32, gradients []float64) error
	// values writes what iterates are compared by, a number for each.
	values func(ctx context.Context, deltas []float32, values []float64) error
}

// A State is how far an ascent of n iterates has come; with it a killed one goes on to the same result.
type State struct {
	// Step is the number of steps taken, in all ascents.
	Step int `json:"step"`
	// Deltas are the current iterates and Best the best so far, zeros before the first comparison; both are n x size.
	Deltas   []float32  `json:"deltas"`
	Best     []float32  `json:"best"`
	Progress []Progress `json:"progress"`
}

// Progress is how far one iterate has come.
type Progress struct {
	// BestStep is the number of steps after which the best iterate was met, of value BestValue. It is 0 where no comparison
	// has found a number yet.
	BestStep  int     `json:"best_step"`
	BestValue float64 `json:"best_value"`
	// Trace is the objective at each comparison.
	Trace []TracePoint `json:"trace"`
	// ZeroSteps counts the steps that moved nothing because the gradient was zero.
	ZeroSteps int `json:"zero_steps"`
	// Optimizer is the optimizer's state when this one was saved.
	Optimizer json.RawMessage `json:"optimizer,omitempty"`
}

// A TracePoint is the objective after a number of steps.
type TracePoint struct {
	Step  int     `json:"step"`
	Value float64 `json:"value"`
}

// climb runs the ascents from state (nil for the start) to their end. After each comparison it hands its state to save, if that
// is not nil.
func (a AscentSettings) climb(ctx context.Context, p problem, state *State, save func(*State) error) (*State, error) {
	if state == nil {
		n := p.iterates * p.size
		state = &State{Deltas: make([]float32, n), Best: make([]float32, n), Progress: make([]Progress, p.iterates)}
	}
	optimizers, err := a.restore(p, state)
	if err != nil {
		return nil, err
	}
	gradients, values := make([]float64, len(state.Deltas)), make([]float64, p.iterates)
	scratch := make([]float32, p.size)
	for state.Step < a.Total() {
		if state.Step > 0 && state.Step%a.Steps == 0 {
			if err := p.start(state.Step/a.Steps, state.Deltas); err != nil {
				return nil, fmt.Errorf("start after step %d: %w", state.Step, err)
			}
			if optimizers, err = a.optimizers(p.iterates); err != nil {
				return nil, err
			}
		}
		clear(gradients)
		if err := p.gradients(ctx, state.Step, state.Deltas, gradients); err != nil {
			return nil, fmt.Errorf("step %d: %w", state.Step+1, err)
		}
		size := a.size(p.ball, state.Step)
		for i, o := range optimizers {
			lo, hi := i*p.size, (i+1)*p.size
			switch err := advance(o, p.ball, state.Deltas[lo:hi], gradients[lo:hi], size, scratch); {
			case errors.Is(err, projection.ErrZero):
				state.Progress[i].ZeroSteps++
			case err != nil:
				return nil, fmt.Errorf("step %d: perturbation %d of %d: %w", state.Step+1, i+1, p.iterates, err)
			}
		}
		state.Step++
		if !a.compares(state.Step) {
			continue
		}
		if err := p.values(ctx, state.Deltas, values); err != nil {
			return nil, fmt.Errorf("compare after step %d: %w", state.Step, err)
		}
		state.compare(values)
		if save == nil {
			continue
		}
		if err := state.save(optimizers, save); err != nil {
			return nil, fmt.Errorf("save state after step %d: %w", state.Step, err)
		}
	}
	return state, nil
}

// advance lets an optimizer step along a gradient that has a direction.
func advance(o Optimizer, ball projection.Ball, delta []float32, gradient []float64, size float64, scratch []float32) error {
	zero := true
	for j, g := range gradient {
		if math.IsNaN(g) || math.IsInf(g, 0) {
			return fmt.Errorf("entry %d of the gradient is %v, not a finite number", j, g)
		}
		zero = zero && g == 0
	}
	if zero {
		return projection.ErrZero
	}
	return o.Step(ball, delta, gradient, size, scratch)
}

// restore returns the optimizer of each iterate, as far as the state has come.
func (a AscentSettings) restore(p problem, state *State) ([]Optimizer, error) {
	n := p.iterates * p.size
	if len(state.Progress) != p.iterates || len(state.Deltas) != n || len(state.Best) != n || state.Step > a.Total() {
		return nil, fmt.Errorf("a state of %d perturbations, %d values and %d steps is not one of this ascent of %d, %d and %d",
			len(state.Progress), len(state.Deltas), state.Step, p.iterates, n, a.Total())
	}
	optimizers, err := a.optimizers(p.iterates)
	if err != nil || state.Step == 0 {
		return optimizers, err
	}
	for i := range optimizers {
		if err := json.Unmarshal(state.Progress[i].Optimizer, optimizers[i]); err != nil {
			return nil, fmt.Errorf("read the state of the optimizer %s: %w", a.Optimizer, err)
		}
	}
	return optimizers, nil
}

// optimizers returns n of them at the start of an ascent.
func (a AscentSettings) optimizers(n int) ([]Optimizer, error) {
	optimizers := make([]Optimizer, n)
	for i := range optimizers {
		var err error
		if optimizers[i], err = a.optimizer(); err != nil {
			return nil, err
		}
	}
	return optimizers, nil
}

// compare keeps each iterate that is the best of its own so far.
func (s *State) compare(values []float64) {
	size := len(s.Deltas) / len(values)
	for i, value := range values {
		own := &s.Progress[i]
		own.Trace = append(own.Trace, TracePoint{s.Step, value})
		best := math.Inf(-1)
		if own.BestStep > 0 {
			best = own.BestValue
		}
		// A value that is not a number is never the best.
		if value > best {
			own.BestValue, own.BestStep = value, s.Step
			copy(s.Best[i*size:(i+1)*size], s.Deltas[i*size:(i+1)*size])
		}
	}
}

func (s *State) save(optimizers []Optimizer, save func(*State) error) error {
	for i, o := range optimizers {
		encoded, err := json.Marshal(o)
		if err != nil {
			return fmt.Errorf("encode the optimizer: %w", err)
		}
		s.Progress[i].Optimizer = encoded
	}
	return save(s)
}
