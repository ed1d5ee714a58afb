package attack

import (
	"context"
	"math"
	"slices"
	"testing"

	"upi/projection"
)

// twoPeaks is an objective with a low peak toward the first axis, where an ascent from 0 goes, and a high one away from it.
func twoPeaks(p *Universal) {
	p.Mean = func(_ context.Context, images []int, delta []float32, _ NoiseKey, gradient []float64) (float64, error) {
		x := float64(delta[0])
		slope, value := 1.0, x
		if x < -1 {
			slope, value = -10, -10*(x+1)-1
		}
		if gradient != nil {
			gradient[0] += slope * float64(len(images))
		}
		return value, nil
	}
}

// TestRestartsFindTheHigherPeak: the first of several ascents is the one that there is without restarts, and the best of all is returned.
func TestRestartsFindTheHigherPeak(t *testing.T) {
	p := Universal{Ball: projection.Ball{Eps: 20}, Size: size, Images: 5, Seed: 3}
	twoPeaks(&p)
	a := settingsOf(100)
	alone, err := p.Climb(t.Context(), a, nil, forget)
	if err != nil {
		t.Fatal(err)
	}
	if best := alone.Progress[0].BestValue; math.Abs(best-20) > 1e-3 {
		t.Fatalf("the ascent from 0 reaches %v, not its peak of 20", best)
	}
	a.Restarts = 8
	all, err := p.Climb(t.Context(), a, nil, forget)
	if err != nil {
		t.Fatal(err)
	}
	own := all.Progress[0]
	if len(own.Trace) != 8*100 || !slices.Equal(own.Trace[:100], alone.Progress[0].Trace) {
		t.Errorf("the first ascent of several is another than without the others: %v", own.Trace)
	}
	// Of 7 starts, on either side of the axis by chance, none lies where it climbs to the high peak once in 2^7 seeds.
	if want := 10*19 - 1.0; math.Abs(own.BestValue-want) > 1e-2 || own.BestStep <= 100 || math.Abs(float64(all.Best[0])+20) > 1e-3 {
		t.Errorf("the best is %v after step %d, at %v; want %v", own.BestValue, own.BestStep, all.Best[0], want)
	}
}

// TestStepsKnowHowFarTheAscentIs: the share of steps that is done goes from 0 to 1 in each ascent, and no two steps see the same noise.
func TestStepsKnowHowFarTheAscentIs(t *testing.T) {
	p := Universal{Ball: projection.Ball{Eps: 20}, Size: size, Images: 5}
	linear(&p)
	objective := p.Mean
	var done []float64
	draws := map[int64]bool{}
	p.Mean = func(ctx context.Context, images []int, delta []float32, noise NoiseKey, gradient []float64) (float64, error) {
		if gradient != nil {
			done = append(done, noise.Done)
			draws[noise.Draw] = true
		}
		return objective(ctx, images, delta, noise, gradient)
	}
	a := settingsOf(5)
	a.Restarts = 2
	if _, err := p.Climb(t.Context(), a, nil, forget); err != nil {
		t.Fatal(err)
	}
	if want := []float64{0, 0.25, 0.5, 0.75, 1, 0, 0.25, 0.5, 0.75, 1}; !slices.Equal(done, want) || len(draws) != len(want) {
		t.Errorf("steps see %v and %d draws of noise, want %v", done, len(draws), want)
	}
}

// TestRandomStart: on the sphere, another for each ascent, image and seed, and the same whenever it is drawn.
func TestRandomStart(t *testing.T) {
	for _, norm := range []projection.Norm{projection.L2, projection.LInf} {
		ball := projection.Ball{Norm: norm, Eps: 255}
		var seen [][]float32
		for _, key := range [][3]int64{{0, 0, 1}, {0, 0, 2}, {0, 1, 1}, {1, 0, 1}} {
			start, again := make([]float32, size), make([]float32, size)
			for _, delta := range [][]float32{start, again} {
				if err := RandomStart(ball, key[0], key[1], int(key[2]), delta); err != nil {
					t.Fatal(err)
				}
			}
			if got := projection.Of(norm, start); math.Abs(got-255) > 1e-3 || !ball.Contains(start) {
				t.Errorf("%v norm %v", norm, got)
			}
			if !slices.Equal(start, again) || slices.ContainsFunc(seen, func(other []float32) bool { return slices.Equal(other, start) }) {
				t.Errorf("the start of %v is another each time, or was there before", key)
			}
			seen = append(seen, start)
		}
	}
}

// TestEachImageRestarts: each image keeps the best of its own ascents.
func TestEachImageRestarts(t *testing.T) {
	const images = 40
	ball := projection.Ball{Eps: 20}
	each := EachImage{Ball: ball, Size: 2, Images: images,
		Start: func(ascent int, deltas []float32) error {
			for k := range images {
				if err := RandomStart(ball, 0, int64(k), ascent, deltas[2*k:2*k+2]); err != nil {
					return err
				}
			}
			return nil
		},
		Evaluate: func(ctx context.Context, deltas []float32, noise NoiseKey, rows, values []float32) error {
			var p Universal
			twoPeaks(&p)
			for k := range images {
				gradient := make([]float64, 2)
				value, err := p.Mean(ctx, []int{k}, deltas[2*k:2*k+2], noise, gradient)
				if err != nil {
					return err
				}
				values[k] = float32(value)
				if rows != nil {
					rows[2*k], rows[2*k+1] = float32(gradient[0]), float32(gradient[1])
				}
			}
			return nil
		}}
	a := settingsOf(100)
	a.Restarts = 2
	state, err := each.Climb(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	low, high := 0, 0
	for k, own := range state.Progress {
		start := make([]float32, 2)
		if err := RandomStart(ball, 0, int64(k), 1, start); err != nil {
			t.Fatal(err)
		}
		want := 20.0
		if start[0] < -1 {
			want = 10*19 - 1
			high++
		} else {
			low++
		}
		if math.Abs(own.BestValue-want) > 1e-2 {
			t.Errorf("image %d, which starts at %v, reaches %v, want %v", k, start, own.BestValue, want)
		}
	}
	if low == 0 || high == 0 {
		t.Errorf("%d images start below the low peak and %d below the high one: the test does not test", low, high)
	}
}
