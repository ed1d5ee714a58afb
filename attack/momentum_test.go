package attack

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"

	"upi/projection"
)

// TestMomentumByHand: with a decay of 1/2 the gradients (3, -1) and (-1, 1) have the sums (3/4, -1/4) and
// (3/8 - 1/2, -1/8 + 1/2) = (-1/8, 3/8).
func TestMomentumByHand(t *testing.T) {
	root := math.Sqrt(10)
	for norm, want := range map[projection.Norm][][]float64{
		projection.L2:   {{3 / root, -1 / root}, {3/root - 1/root, -1/root + 3/root}},
		projection.LInf: {{1, -1}, {0, 0}},
	} {
		for _, scale := range []float64{1, 1e-30, 1e300} {
			o, err := newMomentum(0.5)
			if err != nil {
				t.Fatal(err)
			}
			delta, scratch := make([]float32, 2), make([]float32, 2)
			for k, g := range [][]float64{{3 * scale, -scale}, {-scale, scale}} {
				if err := o.Step(projection.Ball{Norm: norm, Eps: 10}, delta, g, 1, scratch); err != nil {
					t.Fatal(err)
				}
				for j := range delta {
					if math.Abs(float64(delta[j])-want[k][j]) > 1e-6 {
						t.Errorf("%v, scale %g, step %d: %v, want %v", norm, scale, k+1, delta, want[k])
					}
				}
			}
		}
	}
}

// valley is -(x - 20)^2/2 - 100 (y - 20)^2/2: along y the gradient is a hundred times steeper than along x.
func valley() Universal {
	return Universal{Ball: projection.Ball{Eps: 100}, Size: 2, Images: 2,
		Mean: func(_ context.Context, _ []int, delta []float32, _ NoiseKey, gradient []float64) (float64, error) {
			value := 0.0
			for j, curvature := range []float64{1, 100} {
				d := float64(delta[j]) - 20
				value -= curvature * d * d / 2
				if gradient != nil {
					gradient[j] -= curvature * d
				}
			}
			return value, nil
		}}
}

// TestMomentumClimbsABadlyScaledQuadratic in fewer steps than plain ascent, which goes to and fro across the valley.
func TestMomentumClimbsABadlyScaledQuadratic(t *testing.T) {
	for _, schedule := range []projection.Schedule{"constant", "linear", "cosine"} {
		for _, stepSize := range []float64{0.005, 0.01} {
			steps := func(optimizer string) int {
				a := settingsOf(400)
				a.Schedule, a.StepSize, a.Optimizer = schedule, stepSize, optimizer
				s, err := valley().Climb(t.Context(), a, nil, forget)
				if err != nil {
					t.Fatal(err)
				}
				for _, point := range s.Progress[0].Trace {
					if point.Value > -4 { // from -20200
						return point.Step
					}
				}
				return math.MaxInt
			}
			if with, without := steps("momentum"), steps("plain"); with >= without || with > 100 {
				t.Errorf("%s, step size %v: %d steps with momentum, %d without", schedule, stepSize, with, without)
			}
		}
	}
}

// TestMomentumGoesOnFromEveryState that an ascent saved, to the same result to the bit; without its sum it would not.
func TestMomentumGoesOnFromEveryState(t *testing.T) {
	a := settingsOf(60)
	a.Optimizer, a.StepSize = "momentum", 0.01
	var saved [][]byte
	climb := func(state *State) *State {
		s, err := valley().Climb(t.Context(), a, state, func(s *State) error {
			text, err := json.Marshal(s)
			saved = append(saved, text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	whole, changed := climb(nil), 0
	for _, text := range slices.Clone(saved) {
		var state, forgetful State
		if err := errors.Join(json.Unmarshal(text, &state), json.Unmarshal(text, &forgetful)); err != nil {
			t.Fatal(err)
		}
		if got := climb(&state); !reflect.DeepEqual(got, whole) {
			t.Errorf("from %s: got %+v, want %+v", text, got, whole)
		}
		forgetful.Progress[0].Optimizer = json.RawMessage("{}")
		if !slices.Equal(climb(&forgetful).Deltas, whole.Deltas) {
			changed++
		}
	}
	if len(saved) < 60 || changed < 50 {
		t.Errorf("%d states, of which %d matter: the test does not test", len(saved), changed)
	}
}

func TestMomentumWithinItsRange(t *testing.T) {
	for _, decay := range []float64{-0.1, 1.1, math.NaN()} {
		if _, err := newMomentum(decay); err == nil {
			t.Errorf("a decay of %v", decay)
		}
	}
}
