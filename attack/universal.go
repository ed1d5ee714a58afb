package attack

import (
	"context"
	"errors"
	"fmt"
	"math"

	"upi/projection"
	"upi/random"
)

// Universal is the ascent of one perturbation on the mean objective over the images of a fit split, numbered from 0.
type Universal struct {
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
	// Done is the share of its ascent's other steps that lie behind a step, 0 to 1.
	Done float64
}

// Every step sees noise of its own, every comparison the same.
func (a AscentSettings) stepNoise(step int) NoiseKey {
	return NoiseKey{Purpose: "smoothing", Draw: int64(step), Done: a.done(step)}
}

var comparisonNoise = NoiseKey{Purpose: "held back"}

// RandomStart writes where an ascent after the first begins: a point drawn uniformly on the ball's sphere. It is a function of its
// arguments alone; id is that of the image where each has an ascent of its own, otherwise 0.
func RandomStart(ball projection.Ball, seed, id int64, ascent int, delta []float32) error {
	if err := random.New(seed, "start", id, int64(ascent)).Surface(delta, ball.Norm.P(), ball.Eps); err != nil {
		return fmt.Errorf("draw a start: %w", err)
	}
	return ball.Project(delta)
}

// Climb runs the ascent from state (nil for the start) to its end; the result's Best is the perturbation. After each
// comparison it hands its state to save. It returns ErrZeroGradient where no step had a direction.
func (u Universal) Climb(ctx context.Context, a AscentSettings, state *State, save func(*State) error) (*State, error) {
	if u.Images < 1 {
		return nil, errors.New("there is no image to climb on")
	}
	batches := newOrder(u, a)
	state, err := a.climb(ctx, problem{
		ball: u.Ball, size: u.Size, iterates: 1,
		start: func(ascent int, delta []float32) error { return RandomStart(u.Ball, u.Seed, 0, ascent, delta) },
		gradients: func(ctx context.Context, step int, delta []float32, gradient []float64) error {
			_, err := u.Mean(ctx, batches.batch(step), delta, a.stepNoise(step), gradient)
			return err
		},
		values: func(ctx context.Context, delta []float32, values []float64) (err error) {
			values[0], err = u.Mean(ctx, batches.heldBack, delta, comparisonNoise, nil)
			return err
		},
	}, state, save)
	if err != nil {
		return nil, err
	}
	if state.Progress[0].ZeroSteps == a.Total() {
		return nil, ErrZeroGradient
	}
	return state, nil
}

// An order is the sequence of batches: the fit images without the held-back ones, shuffled anew for each epoch.
type order struct {
	heldBack, rest []int
	size           int
	seed           int64
	epoch          int
	shuffled       []int
}

func newOrder(u Universal, a AscentSettings) *order {
	stream := random.New(u.Seed, "held-back images", 0, 0)
	images := stream.Perm(u.Images)
	n := min(int(math.Ceil(a.HeldBack*float64(u.Images))), a.HeldBackMost, max(u.Images-1, 0))
	if u.Images == 1 {
		return &order{heldBack: images, rest: images, size: 1, seed: u.Seed, epoch: -1}
	}
	return &order{heldBack: images[:n], rest: images[n:], size: min(a.Batch, u.Images-n), seed: u.Seed, epoch: -1}
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
