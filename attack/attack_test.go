package attack

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"upi/projection"
	"upi/results"
	"upi/setting"
)

// TestKinds: every kind has a role and one need, defaults that are possible once it has a budget, and says what is not.
func TestKinds(t *testing.T) {
	perImage := map[results.Role]bool{results.RoleNothing: false, results.RoleRandom: false, results.RoleBaseline: false, results.RoleMethod: false, results.RoleUpper: true}
	for name, kind := range Kinds {
		a := kind.New()
		needs := a.Needs()
		set := 0
		for _, has := range []bool{needs.Draw != nil, needs.Rows != nil, needs.Ascent != nil} {
			if has {
				set++
			}
		}
		if set != 1 {
			t.Errorf("%s needs %d of draw, rows, ascent", name, set)
		}
		if gradients := needs.Draw == nil; gradients != (needs.Smoothed.Smoothing.Draws > 0) {
			t.Errorf("%s takes gradients: %v; smoothing %+v", name, gradients, needs.Smoothed)
		}
		if want, known := perImage[kind.Role]; !known || needs.PerImage() != want {
			t.Errorf("%s has the role %q and is per image: %v", name, kind.Role, needs.PerImage())
		}
		if kind.Role == results.RoleNothing {
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
	for key, spoil := range map[string]func(*SGDUAP, *UPIPlus){
		"eps[1]":                 func(g *SGDUAP, _ *UPIPlus) { g.Eps = []projection.Eps{1, 1} },
		"steps":                  func(g *SGDUAP, _ *UPIPlus) { g.Steps = 0 },
		"batch":                  func(g *SGDUAP, _ *UPIPlus) { g.Batch = -1 },
		"step_size":              func(g *SGDUAP, _ *UPIPlus) { g.StepSize = math.NaN() },
		"optimizer":              func(g *SGDUAP, _ *UPIPlus) { g.Optimizer = "sgd" },
		"momentum":               func(g *SGDUAP, _ *UPIPlus) { g.Optimizer, g.Momentum = "adam", number(1) },
		"clamp":                  func(g *SGDUAP, _ *UPIPlus) { g.Clamp = -1 },
		"held_back":              func(g *SGDUAP, _ *UPIPlus) { g.HeldBack = 0.6 },
		"restarts":               func(g *SGDUAP, _ *UPIPlus) { g.Restarts = -1 },
		"held_back_most":         func(g *SGDUAP, _ *UPIPlus) { g.HeldBackMost = 0 },
		"check_every":            func(g *SGDUAP, _ *UPIPlus) { g.CheckEvery = 0 },
		"smoothing.draws":        func(g *SGDUAP, _ *UPIPlus) { g.Smoothing.Draws = 0 },
		"smoothing.radius":       func(g *SGDUAP, _ *UPIPlus) { g.Smoothing.Radius = number(-1) },
		"smoothing.radius_share": func(g *SGDUAP, _ *UPIPlus) { g.Smoothing.RadiusShare = number(math.NaN()) },
		"smoothing": func(g *SGDUAP, _ *UPIPlus) {
			g.Smoothing.Radius, g.Smoothing.Sigma = number(1), number(1)
		},
		"surrogate.relu": func(g *SGDUAP, _ *UPIPlus) { g.Surrogate = &Surrogate{ReLU: "gelu", Beta: 1} },
		"surrogate.beta": func(g *SGDUAP, _ *UPIPlus) { g.Surrogate = &Surrogate{ReLU: "softplus"} },
		"rows":           func(_ *SGDUAP, p *UPIPlus) { p.PCA.Rows = "centred" },
		"tolerance":      func(_ *SGDUAP, p *UPIPlus) { p.PCA.Tolerance = 0 },
		"refine":         func(_ *SGDUAP, p *UPIPlus) { p.PCA.Refine = -1 },
		"max_passes":     func(_ *SGDUAP, p *UPIPlus) { p.PCA.MaxPasses = 0 },
		"lambda":         func(_ *SGDUAP, p *UPIPlus) { p.Lambda = math.Inf(1) },
	} {
		grad, plus := newSGDUAP(), Kinds["upi_plus"].New().(*UPIPlus)
		grad.Eps, plus.Eps = []projection.Eps{1}, []projection.Eps{1}
		spoil(grad, plus)
		problems := append(grad.Validate(), plus.Validate()...)
		var e *setting.Error
		if len(problems) != 1 || !errors.As(problems[0], &e) || e.Key != key {
			t.Errorf("%s: got %v", key, problems)
		}
	}
}

// TestSettingsThatOneAttackLacks: rows of an attack per image, distances of maps in an attack on predictions, a course of beta where there
// are no steps.
func TestSettingsThatOneAttackLacks(t *testing.T) {
	course := &Surrogate{ReLU: "softplus", Beta: 5, BetaTo: 100}
	for _, c := range []struct {
		kind, key string
		spoil     func(Attack)
	}{
		{"per_image", "rows", func(a Attack) { a.(*PerImage).Rows = Unit }},
		{"sgd_uap", "rows", func(a Attack) { a.(*SGDUAP).Rows = Relative }},
		{"upi_grad", "rows", func(a Attack) { a.(*UPIGrad).Rows = "centred" }},
		{"upi_pca", "rows", func(a Attack) { a.(*UPIPCA).PCA.Rows = Relative }},
		{"upi_pca", "surrogate.beta_to", func(a Attack) { a.(*UPIPCA).Surrogate = course }},
		{"upi_plus", "surrogate.beta_to", func(a Attack) { a.(*UPIPlus).Surrogate = course }},
		{"upi_grad", "surrogate.beta_to", func(a Attack) { a.(*UPIGrad).Surrogate = &Surrogate{"softplus", 5, -1} }},
		{"upi_grad", "", func(a Attack) { a.(*UPIGrad).Surrogate, a.(*UPIGrad).Rows = course, Relative }},
		{"sgd_uap", "", func(a Attack) { a.(*SGDUAP).Surrogate, a.(*SGDUAP).Rows, a.(*SGDUAP).Restarts = course, Unit, 3 }},
		{"per_image", "", func(a Attack) { a.(*PerImage).Surrogate, a.(*PerImage).Restarts = course, 2 }},
	} {
		a := Kinds[c.kind].New()
		a.Common().Eps = []projection.Eps{1}
		c.spoil(a)
		problems := a.Validate()
		if c.key == "" && len(problems) > 0 {
			t.Errorf("%s: %v", c.kind, problems)
		}
		var e *setting.Error
		if c.key != "" && (len(problems) != 1 || !errors.As(problems[0], &e) || e.Key != c.key) {
			t.Errorf("%s, %s: got %v", c.kind, c.key, problems)
		}
	}
}

// TestCourseOfBeta: from one end to the other in equal ratios; without another end beta stays.
func TestCourseOfBeta(t *testing.T) {
	course, constant := Surrogate{Beta: 5, BetaTo: 80}, Surrogate{Beta: 30}
	for i, want := range []float64{5, 10, 20, 40, 80} {
		if got := course.At(float64(i) / 4); math.Abs(got/want-1) > 1e-12 {
			t.Errorf("beta after %d of 4 steps is %v, want %v", i, got, want)
		}
		if got := constant.At(float64(i) / 4); got != 30 {
			t.Errorf("a constant beta is %v", got)
		}
	}
}

// TestMomentumOfPlain: a setting that would do nothing is an error.
func TestMomentumOfPlain(t *testing.T) {
	decay := 0.9
	settings := defaultAscent()
	settings.Momentum = &decay
	problems := settings.Validate()
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "momentum = 0.9: the optimizer plain has no momentum") {
		t.Errorf("got %v", problems)
	}
}

// TestObjectives: which function each ascent climbs, up to which value, by default and as its settings say.
func TestObjectives(t *testing.T) {
	for kind, want := range map[string]Objective{
		"upi_grad": {Of: Dissimilarity}, "per_image": {Of: Dissimilarity}, "sgd_uap": {Of: CrossEntropy, Clamp: 9},
	} {
		if got := Kinds[kind].New().Needs().Ascent.Objective; got != want {
			t.Errorf("%s climbs %+v, want %+v", kind, got, want)
		}
	}
	free := newSGDUAP()
	free.Clamp = 0
	for _, c := range []struct {
		objective   Objective
		value, want float64
		stillClimbs bool
	}{
		{newSGDUAP().Needs().Ascent.Objective, 9, 9, true},
		{newSGDUAP().Needs().Ascent.Objective, 9.5, 9, false},
		{free.Needs().Ascent.Objective, 9.5, 9.5, true},
		{Objective{Of: Dissimilarity}, 0.1, 0.1, true},
	} {
		if got, climbs := c.objective.Clamped(c.value); got != c.want || climbs != c.stillClimbs {
			t.Errorf("%+v at %v: got %v, climbs %v", c.objective, c.value, got, climbs)
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
	needs := (&Random{Draws: 3}).Needs()
	for _, norm := range []projection.Norm{projection.L2, projection.LInf} {
		var seen [][]float32
		for seed := range int64(2) {
			for draw := range int64(needs.Perturbations()) {
				delta, err := needs.Draw.Sample(projection.Ball{Norm: norm, Eps: 255}, size, seed, draw)
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
