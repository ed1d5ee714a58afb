package attack

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"upi/projection"
	"upi/random"
)

const size = 12

// direction is the gradient of image i in the linear objectives of these tests.
func direction(i int) []float32 {
	g := make([]float32, size)
	random.New(7, "test direction", int64(i), 0).Normal(g, 1)
	return g
}

// linear is the objective <g_i, delta + Z>, whose gradient is g_i.
func linear(p *Universal) {
	p.Mean = func(_ context.Context, images []int, delta []float32, noise NoiseKey, gradient []float64) (float64, error) {
		total := 0.0
		z := make([]float32, size)
		for _, i := range images {
			Noise{Radius: 0.1}.Fill(z, noise.Purpose, p.Seed, int64(i), noise.Draw)
			for j, g := range direction(i) {
				total += float64(g) * float64(delta[j]+z[j])
				if gradient != nil {
					gradient[j] += float64(g)
				}
			}
		}
		return total / float64(len(images)), nil
	}
}

// toward is the objective -||delta - target||^2, the same for all images.
func toward(p *Universal, target []float32) {
	p.Mean = func(_ context.Context, images []int, delta []float32, _ NoiseKey, gradient []float64) (float64, error) {
		value := 0.0
		for j, goal := range target {
			d := float64(delta[j]) - float64(goal)
			value -= d * d
			if gradient != nil {
				gradient[j] -= 2 * d * float64(len(images))
			}
		}
		return value, nil
	}
}

func forget(*State) error { return nil }

func settingsOf(steps int) AscentSettings {
	a := defaultAscent()
	a.Steps, a.CheckEvery = steps, 1
	return a
}

// TestClimbReachesTheClosedForm: over a ball the mean of <g, delta> is largest at eps g / ||g||_2, for L-infinity at
// eps sign(g); and a point inside the ball is found where it lies.
func TestClimbReachesTheClosedForm(t *testing.T) {
	const images = 9
	mean := make([]float64, size)
	for i := range images {
		for j, g := range direction(i) {
			mean[j] += float64(g) / images
		}
	}
	inside := direction(100)
	for _, norm := range []projection.Norm{projection.L2, projection.LInf} {
		ball := projection.Ball{Norm: norm, Eps: 30}
		best := make([]float32, size)
		if err := projection.Boundary(ball, best, mean); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name      string
			objective func(*Universal)
			want      []float32
		}{
			{"linear", linear, best},
			{"quadratic", func(p *Universal) { toward(p, inside) }, inside},
		} {
			t.Run(norm.String()+" "+c.name, func(t *testing.T) {
				// The images of one batch and the held-back one alike, so that the objective is one and the same.
				p := Universal{Ball: ball, Size: size, Images: images}
				c.objective(&p)
				a := settingsOf(400)
				all := p.Mean
				p.Mean = func(ctx context.Context, _ []int, delta []float32, noise NoiseKey, gradient []float64) (float64, error) {
					return all(ctx, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}, delta, noise, gradient)
				}
				s, err := p.Climb(t.Context(), a, nil, forget)
				if err != nil {
					t.Fatal(err)
				}
				for j, want := range c.want {
					if d := math.Abs(float64(s.Best[j] - want)); d > 1e-3*ball.Eps {
						t.Errorf("value %d is %v, want %v", j, s.Best[j], want)
					}
				}
			})
		}
	}
}

// TestClimbReturnsTheBestIterate: steps that are too long leave the best point again.
func TestClimbReturnsTheBestIterate(t *testing.T) {
	target := direction(3)
	p := Universal{Ball: projection.Ball{Eps: 100}, Size: size, Images: 5}
	toward(&p, target)
	a := settingsOf(7)
	a.StepSize, a.Schedule = 0.05, "constant"
	value := func(delta []float32) float64 {
		v, err := p.Mean(t.Context(), []int{0}, delta, NoiseKey{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	s, err := p.Climb(t.Context(), a, nil, forget)
	if err != nil {
		t.Fatal(err)
	}
	own := s.Progress[0]
	largest := slices.MaxFunc(own.Trace, func(x, y TracePoint) int { return int(math.Copysign(1, x.Value-y.Value)) })
	if len(own.Trace) != 7 || own.BestValue != largest.Value || own.BestStep != largest.Step || value(s.Best) != own.BestValue {
		t.Errorf("got %+v", s)
	}
	if value(s.Deltas) >= own.BestValue {
		t.Error("the last iterate is the best: the test does not test")
	}
}

// TestClimbGoesOnFromEveryState: an ascent that goes on from any state it saved, as JSON keeps it, ends like one that nobody
// disturbed, to the bit, whatever its optimizer.
func TestClimbGoesOnFromEveryState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := defaultAscent()
		a.Steps = rapid.IntRange(1, 25).Draw(t, "steps")
		a.Restarts = rapid.IntRange(0, 3).Draw(t, "restarts")
		a.Optimizer = rapid.SampledFrom(slices.Sorted(maps.Keys(Optimizers))).Draw(t, "optimizer")
		a.Batch = rapid.IntRange(1, 12).Draw(t, "batch")
		a.CheckEvery = rapid.IntRange(1, 6).Draw(t, "check every")
		a.HeldBack = rapid.Float64Range(0.05, 0.5).Draw(t, "held back")
		p := Universal{
			Ball: projection.Ball{Norm: rapid.SampledFrom([]projection.Norm{projection.L2, projection.LInf}).Draw(t, "norm"), Eps: 8},
			Size: size, Images: rapid.IntRange(1, 30).Draw(t, "images"), Seed: rapid.Int64().Draw(t, "seed"),
		}
		linear(&p)
		var saved [][]byte
		want, err := p.Climb(context.Background(), a, nil, func(s *State) error {
			text, err := json.Marshal(s)
			saved = append(saved, text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range saved {
			var state *State
			if err := json.Unmarshal(text, &state); err != nil {
				t.Fatal(err)
			}
			got, err := p.Climb(context.Background(), a, state, forget)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("from %s: got %+v, want %+v", text, got, want)
			}
		}
	})
}

// TestHeldBackImagesAreNeverClimbed also sees that an epoch looks at every other image at most once.
func TestHeldBackImagesAreNeverClimbed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := settingsOf(rapid.IntRange(1, 20).Draw(t, "steps"))
		a.Batch = rapid.IntRange(1, 9).Draw(t, "batch")
		a.HeldBackMost = rapid.IntRange(1, 4).Draw(t, "held back at most")
		p := Universal{Ball: projection.Ball{Eps: 1}, Size: size, Images: rapid.IntRange(2, 25).Draw(t, "images")}
		linear(&p)
		climbed, compared := map[int]int{}, map[int]bool{}
		steps := 0
		objective := p.Mean
		p.Mean = func(ctx context.Context, images []int, delta []float32, noise NoiseKey, gradient []float64) (float64, error) {
			for _, i := range images {
				if gradient == nil {
					compared[i] = true
				} else {
					climbed[i]++
				}
			}
			if gradient != nil {
				steps += len(images)
			}
			return objective(ctx, images, delta, noise, gradient)
		}
		if _, err := p.Climb(context.Background(), a, nil, forget); err != nil {
			t.Fatal(err)
		}
		rest := p.Images - len(compared)
		perEpoch := rest / min(a.Batch, rest) * min(a.Batch, rest)
		for i, n := range climbed {
			if compared[i] {
				t.Fatalf("image %d is held back and climbed", i)
			}
			if most := (steps + perEpoch - 1) / perEpoch; n > most {
				t.Fatalf("image %d was seen %d times in %d epochs", i, n, most)
			}
		}
		if len(compared) == 0 || len(compared) > a.HeldBackMost {
			t.Fatalf("%d images held back, want 1 to %d", len(compared), a.HeldBackMost)
		}
	})
}

func TestClimbFails(t *testing.T) {
	p := Universal{Ball: projection.Ball{Eps: 1}, Size: size, Images: 4}
	zero := func(context.Context, []int, []float32, NoiseKey, []float64) (float64, error) { return 1, nil }
	broken := errors.New("broken")
	for _, c := range []struct {
		name string
		mean func(context.Context, []int, []float32, NoiseKey, []float64) (float64, error)
		save func(*State) error
		want error
		says string
	}{
		{"zero gradient", zero, forget, ErrZeroGradient, "smoothing"},
		{"objective", func(context.Context, []int, []float32, NoiseKey, []float64) (float64, error) {
			return 0, broken
		}, forget, broken, "step 1: "},
		{"checkpoint", zero, func(*State) error { return broken }, broken, "save state after step 1: "},
		{"not finite", func(_ context.Context, _ []int, _ []float32, _ NoiseKey, g []float64) (float64, error) {
			if g != nil {
				g[3] = math.NaN()
			}
			return 0, nil
		}, forget, nil, "3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.Mean = c.mean
			_, err := p.Climb(t.Context(), settingsOf(3), nil, c.save)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestClimbRefusesAnotherState: a state that was not saved by the same ascent would give a wrong result without a word.
func TestClimbRefusesAnotherState(t *testing.T) {
	u := Universal{Ball: projection.Ball{Eps: 1}, Size: size, Images: 4}
	linear(&u)
	saved := func(a AscentSettings) *State {
		t.Helper()
		s, err := u.Climb(t.Context(), a, nil, forget)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	short := saved(settingsOf(2))
	short.Deltas = short.Deltas[1:]
	bare := saved(settingsOf(2))
	bare.Progress[0].Optimizer = nil
	for name, state := range map[string]*State{
		"longer": saved(settingsOf(5)), "of another size": short, "without its optimizer": bare, "empty": {},
	} {
		if _, err := u.Climb(t.Context(), settingsOf(3), state, forget); err == nil {
			t.Errorf("went on from a state that is %s", name)
		}
	}
}

func TestClimbNeedsAnImage(t *testing.T) {
	if _, err := (Universal{Size: size}).Climb(t.Context(), settingsOf(3), nil, forget); err == nil {
		t.Error("climbed on no image")
	}
}
