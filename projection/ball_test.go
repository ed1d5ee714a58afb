package projection_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"upi/projection"
)

// perturbations draws vectors over all magnitudes that float32 has, zeros among them.
func perturbations(t *rapid.T) []float32 {
	return rapid.SliceOfN(rapid.OneOf(
		rapid.Float32Range(-300, 300),
		rapid.Float32(),
		rapid.Just(float32(0)),
	), 1, 60).Draw(t, "perturbation")
}

func balls(t *rapid.T) projection.Ball {
	return projection.Ball{
		Norm: rapid.SampledFrom([]projection.Norm{projection.L2, projection.LInf}).Draw(t, "norm"),
		Eps:  rapid.OneOf(rapid.Float64Range(0, 2000), rapid.Float64Range(0, 1e-40), rapid.Just(0.0)).Draw(t, "eps"),
	}
}

func TestProjectLandsInTheBallAndStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ball, delta := balls(t), perturbations(t)
		before := slices.Clone(delta)
		inside := ball.Contains(delta)
		if err := ball.Project(delta); err != nil {
			t.Fatal(err)
		}
		if !ball.Contains(delta) {
			t.Fatalf("norm %v after projection to %v", projection.Of(ball.Norm, delta), ball.Eps)
		}
		if inside && !slices.Equal(before, delta) {
			t.Fatalf("a point of the ball moved from %v to %v", before, delta)
		}
		once := slices.Clone(delta)
		if err := ball.Project(delta); err != nil || !slices.Equal(once, delta) {
			t.Fatalf("second projection moved %v to %v (%v)", once, delta, err)
		}
	})
}

// TestProjectIsNearest checks the optimality condition of a projection y of x to a convex set: <x-y, z-y> <= 0 for all
// points z of the set.
func TestProjectIsNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ball := balls(t)
		n := rapid.IntRange(1, 30).Draw(t, "dimension")
		vector := func(label string) []float32 {
			return rapid.SliceOfN(rapid.Float32Range(-300, 300), n, n).Draw(t, label)
		}
		x, z := vector("x"), vector("z")
		y := slices.Clone(x)
		if err := errors.Join(ball.Project(y), ball.Project(z)); err != nil {
			t.Fatal(err)
		}
		product, scale := 0.0, 1.0
		for i := range x {
			product += float64(x[i]-y[i]) * float64(z[i]-y[i])
			scale += math.Abs(float64(x[i])) * (math.Abs(float64(y[i])) + math.Abs(float64(z[i])))
		}
		if product > 1e-6*scale {
			t.Fatalf("<x-y, z-y> = %v > 0", product)
		}
	})
}

func TestProjectKnownValues(t *testing.T) {
	cases := []struct {
		ball projection.Ball
		in   []float32
		want []float32
	}{
		{projection.Ball{Norm: projection.L2, Eps: 5}, []float32{6, 8}, []float32{3, 4}},
		{projection.Ball{Norm: projection.L2, Eps: 5}, []float32{3, -4}, []float32{3, -4}},
		{projection.Ball{Norm: projection.L2, Eps: 0}, []float32{3, -4}, []float32{0, 0}},
		{projection.Ball{Norm: projection.LInf, Eps: 8}, []float32{9, -100, 8, 0.5}, []float32{8, -8, 8, 0.5}},
	}
	for _, c := range cases {
		got := slices.Clone(c.in)
		if err := c.ball.Project(got); err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if math.Abs(float64(got[i]-c.want[i])) > 1e-6 {
				t.Errorf("%v to %v: got %v, want %v", c.in, c.ball, got, c.want)
			}
		}
	}
}

func TestBoundaryHasNormEps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ball := projection.Ball{
			Norm: rapid.SampledFrom([]projection.Norm{projection.L2, projection.LInf}).Draw(t, "norm"),
			Eps:  rapid.Float64Range(1e-3, 2000).Draw(t, "eps"),
		}
		direction := rapid.SliceOfN(rapid.Float64(), 1, 50).Draw(t, "direction")
		dst := make([]float32, len(direction))
		err := projection.Boundary(ball, dst, direction)
		if errors.Is(err, projection.ErrZero) && projection.Of(projection.LInf, direction) == 0 {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if norm := projection.Of(ball.Norm, dst); norm > ball.Eps || norm < ball.Eps*(1-1e-6) {
			t.Fatalf("norm %v, want %v", norm, ball.Eps)
		}
		for i, v := range direction {
			if float64(dst[i])*v < 0 {
				t.Fatalf("entry %d turned from %v to %v", i, v, dst[i])
			}
		}
	})
}

// TestSteepestRisesMost: no direction of norm 1 rises more than the dual norm of the gradient, which the steepest reaches.
func TestSteepestRisesMost(t *testing.T) {
	cases := []struct {
		norm     projection.Norm
		gradient []float64
		want     []float32
	}{
		{projection.L2, []float64{3, -4, 0}, []float32{0.6, -0.8, 0}},
		{projection.LInf, []float64{3, -4, 0}, []float32{1, -1, 0}},
		{projection.L2, []float64{3e-200, -4e-200}, []float32{0.6, -0.8}},
		{projection.L2, []float64{3e200, 4e200}, []float32{0.6, 0.8}},
	}
	for _, c := range cases {
		got := make([]float32, len(c.gradient))
		if err := projection.Steepest(c.norm, got, c.gradient); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v %v: got %v, want %v", c.norm, c.gradient, got, c.want)
		}
	}
}

func TestStepClimbsAndStaysInside(t *testing.T) {
	for _, norm := range []projection.Norm{projection.L2, projection.LInf} {
		ball := projection.Ball{Norm: norm, Eps: 10}
		gradient := []float32{1, -2, 0.5}
		delta, scratch := make([]float32, 3), make([]float32, 3)
		last := 0.0
		for range 30 {
			if err := projection.Step(ball, delta, gradient, 1, scratch); err != nil {
				t.Fatal(err)
			}
			height := 0.0
			for i, g := range gradient {
				height += float64(g) * float64(delta[i])
			}
			if height < last-1e-5 || !ball.Contains(delta) {
				t.Fatalf("%v: from %v to %v, norm %v", norm, last, height, projection.Of(norm, delta))
			}
			last = height
		}
		if got := projection.Of(norm, delta); math.Abs(got-10) > 1e-5 {
			t.Errorf("%v: 30 steps of size 1 end at norm %v, want 10", norm, got)
		}
	}
}

func TestBadInput(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	ball := projection.Ball{Norm: projection.L2, Eps: 1}
	scratch := make([]float32, 2)
	cases := []struct {
		name string
		call func() error
		want string
	}{
		{"NaN perturbation", func() error { return ball.Project([]float32{1, nan}) }, "entry 1 of the perturbation is NaN"},
		{"infinite perturbation", func() error { return ball.Project([]float32{inf}) }, "entry 0 of the perturbation is +Inf"},
		{"negative eps", func() error { return projection.Ball{Eps: -1}.Project(nil) }, "eps is -1"},
		{"NaN eps", func() error { return projection.Ball{Eps: math.NaN()}.Project(nil) }, "eps is NaN"},
		{"norm", func() error { return projection.Ball{Norm: 9}.Project(nil) }, "norm number 9"},
		{"NaN gradient", func() error { return projection.Steepest(projection.LInf, scratch, []float32{nan, 1}) }, "entry 0 of the gradient is NaN"},
		{"length", func() error { return projection.Steepest(projection.L2, scratch, []float64{1}) }, "1 entries, its destination 2"},
		{"zero gradient", func() error { return projection.Steepest(projection.L2, scratch, []float64{0, 0}) }, "no direction"},
		{"zero direction", func() error { return projection.Boundary(ball, scratch, []float64{0, 0}) }, "no direction"},
		{"step size", func() error {
			return projection.Step(ball, []float32{0, 0}, []float64{1, 0}, math.Inf(1), scratch)
		}, "size is +Inf"},
		{"scratch", func() error { return projection.Step(ball, []float32{0}, []float64{1}, 1, scratch) }, "scratch has 2 entries"},
	}
	for _, c := range cases {
		if err := c.call(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", c.name, err, c.want)
		}
	}
}
