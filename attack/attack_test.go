package attack

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"upi/projection"
	"upi/setting"
)

// TestKinds: every kind is one of the interfaces, has defaults that are possible once it has a budget, and says what is not.
func TestKinds(t *testing.T) {
	for name, build := range Kinds {
		a := build()
		switch a.(type) {
		case Direct, FromRows, Iterative, PerImage:
		default:
			t.Errorf("%s is none of Direct, FromRows, Iterative, PerImage", name)
		}
		if name == "none" {
			continue
		}
		if problems := a.Validate(); len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), "eps = ") {
			t.Errorf("%s without eps: %v", name, problems)
		}
		a.Common().Eps = []projection.Eps{1}
		if problems := a.Validate(); len(problems) > 0 {
			t.Errorf("%s with its defaults: %v", name, problems)
		}
	}
}

func TestValidate(t *testing.T) {
	number := func(x float64) *float64 { return &x }
	for key, spoil := range map[string]func(*UPIGrad, *UPIPlus){
		"eps[1]":                 func(g *UPIGrad, _ *UPIPlus) { g.Eps = []projection.Eps{1, 1} },
		"steps":                  func(g *UPIGrad, _ *UPIPlus) { g.Steps = 0 },
		"batch":                  func(g *UPIGrad, _ *UPIPlus) { g.Batch = -1 },
		"step_size":              func(g *UPIGrad, _ *UPIPlus) { g.StepSize = math.NaN() },
		"held_back":              func(g *UPIGrad, _ *UPIPlus) { g.HeldBack = 0.6 },
		"held_back_most":         func(g *UPIGrad, _ *UPIPlus) { g.HeldBackMost = 0 },
		"check_every":            func(g *UPIGrad, _ *UPIPlus) { g.CheckEvery = 0 },
		"smoothing.draws":        func(g *UPIGrad, _ *UPIPlus) { g.Smoothing.Draws = 0 },
		"smoothing.radius":       func(g *UPIGrad, _ *UPIPlus) { g.Smoothing.Radius = number(-1) },
		"smoothing.radius_share": func(g *UPIGrad, _ *UPIPlus) { g.Smoothing.RadiusShare = number(math.NaN()) },
		"smoothing": func(g *UPIGrad, _ *UPIPlus) {
			g.Smoothing.Radius, g.Smoothing.Sigma = number(1), number(1)
		},
		"surrogate.relu": func(g *UPIGrad, _ *UPIPlus) { g.Surrogate = &Surrogate{ReLU: "gelu", Beta: 1} },
		"surrogate.beta": func(g *UPIGrad, _ *UPIPlus) { g.Surrogate = &Surrogate{ReLU: "softplus"} },
		"rows":           func(_ *UPIGrad, p *UPIPlus) { p.PCA.Rows = "centred" },
		"tolerance":      func(_ *UPIGrad, p *UPIPlus) { p.PCA.Tolerance = 0 },
		"max_passes":     func(_ *UPIGrad, p *UPIPlus) { p.PCA.MaxPasses = 0 },
		"lambda":         func(_ *UPIGrad, p *UPIPlus) { p.Lambda = math.Inf(1) },
	} {
		grad, plus := newUPIGrad(), Kinds["upi_plus"]().(*UPIPlus)
		grad.Eps, plus.Eps = []projection.Eps{1}, []projection.Eps{1}
		spoil(grad, plus)
		problems := append(grad.Validate(), plus.Validate()...)
		var e *setting.Error
		if len(problems) != 1 || !errors.As(problems[0], &e) || e.Key != key {
			t.Errorf("%s: got %v", key, problems)
		}
	}
}

func TestNoiseOfABudget(t *testing.T) {
	number := func(x float64) *float64 { return &x }
	for _, c := range []struct {
		smoothing Smoothing
		want      Noise
	}{
		{Smoothing{Draws: 1}, Noise{Radius: 50, Draws: 1}},
		{Smoothing{RadiusShare: number(0.1), Draws: 2}, Noise{Radius: 10, Draws: 2}},
		{Smoothing{Radius: number(7), Draws: 1}, Noise{Radius: 7, Draws: 1}},
		{Smoothing{Sigma: number(3), Draws: 1}, Noise{Sigma: 3, Draws: 1}},
	} {
		if got := c.smoothing.For(100); got != c.want {
			t.Errorf("got %+v, want %+v", got, c.want)
		}
	}
	z := make([]float32, size)
	if (Noise{}).Fill(z, "smoothing", 0, 1, 2); projection.Of(projection.L2, z) != 0 {
		t.Errorf("no noise is %v", z)
	}
}

// TestRandomLiesOnTheSphere: each draw and each seed another point, of norm eps.
func TestRandomLiesOnTheSphere(t *testing.T) {
	a := &Random{Draws: 3}
	for _, norm := range []projection.Norm{projection.L2, projection.LInf} {
		var seen [][]float32
		for seed := range int64(2) {
			for draw := range int64(a.Perturbations()) {
				delta, err := a.Draw(projection.Ball{Norm: norm, Eps: 255}, size, seed, draw)
				if err != nil {
					t.Fatal(err)
				}
				if got := projection.Of(norm, delta); math.Abs(got-255) > 1e-4 {
					t.Errorf("%v norm %v", norm, got)
				}
				if slices.ContainsFunc(seen, func(other []float32) bool { return slices.Equal(other, delta) }) {
					t.Errorf("seed %d, draw %d was there before", seed, draw)
				}
				seen = append(seen, delta)
			}
		}
	}
}

// TestClimbEach: each image climbs its own objective <g_i, delta>, to eps g_i / ||g_i||_2, whatever its neighbours are; one
// whose gradient is zero stays where it is.
func TestClimbEach(t *testing.T) {
	ball := projection.Ball{Eps: 20}
	run := func(images []int) []float32 {
		a := newPerImage()
		a.Steps = 60
		deltas, err := a.ClimbEach(t.Context(), ball, size, len(images),
			func(_ context.Context, deltas []float32, _ NoiseKey, rows, values []float32) error {
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
			})
		if err != nil {
			t.Fatal(err)
		}
		return deltas
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
