package attack

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"upi/projection"
	"upi/random"
	"upi/setting"
)

// Ascent is stochastic projected gradient ascent: a step along the mean gradient of a batch divided by its L2 norm (its sign
// for L-infinity), then the projection to the ball. The iterate with the best objective on a held-back part of the fit
// split is returned.
type Ascent struct {
	// Steps is how many gradients are taken, 100 by default.
	Steps int `yaml:"steps" json:"steps"`
	// Batch is how many images a step looks at, 64 by default.
	Batch int `yaml:"batch" json:"batch"`
	// StepSize is the first step's length relative to eps, 0.2 by default.
	StepSize float64 `yaml:"step_size" json:"step_size"`
	// Schedule is the step size's course: cosine by default.
	Schedule projection.Schedule `yaml:"schedule" json:"schedule"`
	// HeldBack is the share of the fit images that are kept to compare iterates on, 0.1 by default.
	HeldBack float64 `yaml:"held_back" json:"held_back"`
	// HeldBackMost is the largest number of them, 256 by default.
	HeldBackMost int `yaml:"held_back_most" json:"held_back_most"`
	// CheckEvery is how many steps lie between two comparisons, 10 by default.
	CheckEvery int `yaml:"check_every" json:"check_every"`
}

func defaultAscent() Ascent {
	return Ascent{
		Steps: 100, Batch: 64, StepSize: 0.2, Schedule: "cosine", HeldBack: 0.1, HeldBackMost: 256, CheckEvery: 10,
	}
}

// Validate lists what is impossible in the settings.
func (a Ascent) Validate() []error {
	return slices.Concat(
		setting.Check(a.Steps >= 1 && a.Steps <= 1e6, "steps", a.Steps, "want 1 to 1000000"),
		setting.Check(a.Batch >= 1 && a.Batch <= 1e6, "batch", a.Batch, "want 1 to 1000000"),
		setting.Check(a.StepSize > 0 && a.StepSize <= 10, "step_size", a.StepSize, "want a positive share of eps, at most 10"),
		setting.Check(a.HeldBack > 0 && a.HeldBack <= 0.5, "held_back", a.HeldBack, "want a share of the fit images, at most 0.5"),
		setting.Check(a.HeldBackMost >= 1, "held_back_most", a.HeldBackMost, "want at least 1"),
		setting.Check(a.CheckEvery >= 1, "check_every", a.CheckEvery, "want at least 1"),
	)
}

// A Problem is what an iterative attack climbs: an objective over the images of a fit split, numbered from 0.
type Problem struct {
	// Ball is the set of allowed perturbations.
	Ball projection.Ball
	// Size is the number of values of a perturbation, and Images the number of images.
	Size, Images int
	Seed         int64
	// Mean returns the objective's mean over the images at delta, and adds up its gradients if gradient is not nil (Size
	// numbers). The noise of purpose and draw is a function of these and the image alone.
	Mean func(ctx context.Context, images []int, delta []float32, noise NoiseKey, gradient []float64) (float64, error)
}

// A NoiseKey names the draws of the smoothing noise that an evaluation sees.
type NoiseKey struct {
	Purpose string
	Draw    int64
}

// A State is how far an ascent has come; with it a killed one goes on to the same result.
type State struct {
	// Step is the number of steps taken.
	Step int `json:"step"`
	// Delta is the current iterate and Best the best so far, of mean objective BestValue over the held-back images.
	Delta     []float32 `json:"delta"`
	Best      []float32 `json:"best"`
	BestStep  int       `json:"best_step"`
	BestValue float64   `json:"best_value"`
	// Trace is the objective on the held-back images at each comparison.
	Trace []TracePoint `json:"trace"`
	// ZeroSteps counts the steps whose gradient was zero.
	ZeroSteps int `json:"zero_steps"`
}

// A TracePoint is the mean objective over the held-back images after a number of steps.
type TracePoint struct {
	Step  int     `json:"step"`
	Value float64 `json:"value"`
}

// Climb runs the ascent from state (nil for the start) to its end. After each comparison it hands its state to save.
func (a Ascent) Climb(ctx context.Context, p Problem, state *State, save func(*State) error) (*State, error) {
	order := newOrder(p, a)
	if state == nil {
		state = &State{Delta: make([]float32, p.Size), BestValue: math.Inf(-1)}
	}
	gradient, scratch := make([]float64, p.Size), make([]float32, p.Size)
	for state.Step < a.Steps {
		clear(gradient)
		images := order.batch(state.Step)
		if _, err := p.Mean(ctx, images, state.Delta, NoiseKey{"smoothing", int64(state.Step)}, gradient); err != nil {
			return nil, fmt.Errorf("step %d: %w", state.Step+1, err)
		}
		switch err := a.step(p.Ball, state.Delta, gradient, state.Step, scratch); {
		case errors.Is(err, projection.ErrZero):
			state.ZeroSteps++
		case err != nil:
			return nil, fmt.Errorf("step %d: %w", state.Step+1, err)
		}
		state.Step++
		if state.Step%a.CheckEvery != 0 && state.Step != a.Steps {
			continue
		}
		if err := a.compare(ctx, p, order.heldBack, state); err != nil {
			return nil, err
		}
		if err := save(state); err != nil {
			return nil, fmt.Errorf("save state after step %d: %w", state.Step, err)
		}
	}
	if state.ZeroSteps == a.Steps {
		return nil, ErrZeroGradient
	}
	return state, nil
}

// step moves delta along a gradient by the step size of step, counted from 0.
func (a Ascent) step(ball projection.Ball, delta []float32, gradient []float64, step int, scratch []float32) error {
	return projection.Step(ball, delta, gradient, a.StepSize*ball.Eps*a.Schedule.Factor(step, a.Steps), scratch)
}

func (a Ascent) compare(ctx context.Context, p Problem, heldBack []int, state *State) error {
	value, err := p.Mean(ctx, heldBack, state.Delta, NoiseKey{"held back", 0}, nil)
	if err != nil {
		return fmt.Errorf("compare after step %d: %w", state.Step, err)
	}
	state.Trace = append(state.Trace, TracePoint{state.Step, value})
	if value > state.BestValue {
		state.BestValue, state.BestStep = value, state.Step
		state.Best = append(state.Best[:0], state.Delta...)
	}
	return nil
}

// An order is the sequence of batches: the fit images without the held-back ones, shuffled anew for each epoch.
type order struct {
	heldBack, rest []int
	size           int
	seed           int64
	epoch          int
	shuffled       []int
}

func newOrder(p Problem, a Ascent) *order {
	stream := random.New(p.Seed, "held-back images", 0, 0)
	images := stream.Perm(p.Images)
	n := min(int(math.Ceil(a.HeldBack*float64(p.Images))), a.HeldBackMost, max(p.Images-1, 0))
	if p.Images == 1 {
		return &order{heldBack: images, rest: images, size: 1, seed: p.Seed, epoch: -1}
	}
	return &order{heldBack: images[:n], rest: images[n:], size: min(a.Batch, p.Images-n), seed: p.Seed, epoch: -1}
}

// batch returns the images of a step.
func (o *order) batch(step int) []int {
	perEpoch := len(o.rest) / o.size
	epoch, k := step/perEpoch, step%perEpoch
	if epoch != o.epoch {
		stream := random.New(o.seed, "order of images", 0, int64(epoch))
		o.shuffled = o.shuffled[:0]
		for _, i := range stream.Perm(len(o.rest)) {
			o.shuffled = append(o.shuffled, o.rest[i])
		}
		o.epoch = epoch
	}
	return o.shuffled[k*o.size : (k+1)*o.size]
}
