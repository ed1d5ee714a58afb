package attack

import (
	"context"
	"math"
	"slices"
	"testing"

	"upi/projection"
)

// TestEachImage: each image climbs its own objective <g_i, delta>, to eps g_i / ||g_i||_2, whatever its neighbours are; one
// whose gradient is zero stays where it is.
func TestEachImage(t *testing.T) {
	ball := projection.Ball{Eps: 20}
	run := func(images []int) []float32 {
		a := newPerImage()
		a.Steps = 60
		each := EachImage{Ball: ball, Size: size, Images: len(images),
			Evaluate: func(_ context.Context, deltas []float32, _ NoiseKey, rows, values []float32) error {
				for k, i := range images {
					values[k] = 0
					for j, g := range direction(i) {
						if i == 0 {
							g = 0
						}
						values[k] += g * deltas[k*size+j]
						if rows != nil {
							rows[k*size+j] = g
						}
					}
				}
				return nil
			}}
		state, err := each.Climb(t.Context(), a.AscentSettings)
		if err != nil {
			t.Fatal(err)
		}
		return state.Best
	}
	images := []int{4, 0, 9}
	together := run(images)
	for k, i := range images {
		got := together[k*size : (k+1)*size]
		if alone := run([]int{i}); !slices.Equal(got, alone) {
			t.Errorf("image %d: %v among others, %v alone", i, got, alone)
		}
		want := make([]float32, size)
		if i != 0 {
			if err := projection.Boundary(ball, want, direction(i)); err != nil {
				t.Fatal(err)
			}
		}
		for j := range want {
			if math.Abs(float64(got[j]-want[j])) > 1e-3*ball.Eps {
				t.Errorf("image %d, value %d is %v, want %v", i, j, got[j], want[j])
			}
		}
	}
}

// TestEachImageWithoutANumber: an image whose objective is never a number keeps the zero perturbation, and its progress says so.
func TestEachImageWithoutANumber(t *testing.T) {
	each := EachImage{Ball: projection.Ball{Eps: 1}, Size: 1, Images: 2,
		Evaluate: func(_ context.Context, _ []float32, _ NoiseKey, rows, values []float32) error {
			values[0], values[1] = float32(math.NaN()), 1
			for j := range rows {
				rows[j] = 1
			}
			return nil
		}}
	settings := settingsOf(3)
	settings.StepSize = 1
	state, err := each.Climb(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(state.Best, []float32{0, 1}) || state.Progress[0].BestStep != 0 || state.Progress[1].BestStep != 1 {
		t.Errorf("got %+v", state)
	}
}
