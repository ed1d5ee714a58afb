package gradient

import (
	"errors"
	"slices"
	"strings"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
)

func placeholder(s *scope, shape ...int64) tf.Output {
	return s.One("Placeholder", attrs{"dtype": tf.Double, "shape": tf.MakeShape(shape...)})
}

// evaluate runs a fetch for one input.
func evaluate(t *testing.T, g *tf.Graph, x tf.Output, value any, fetch tf.Output) any {
	t.Helper()
	v, err := tf.NewTensor(value)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, session(t, g), map[tf.Output]*tf.Tensor{x: v}, fetch)[0].Value()
}

func TestMissingRulesAreAllListed(t *testing.T) {
	g := tf.NewGraph()
	s := newScope(g, "net")
	x := placeholder(s, 2, 2)
	a := s.One("Spence", nil, s.One("Dawsn", nil, x))
	b := s.One("Spence", nil, x)
	aside := s.One("Expint", nil, x) // not between y and x
	y := s.Mul(s.Mul(a, b), s.One("FresnelSin", nil, s.noise(2, 2)))
	before := len(g.Operations())

	_, err := Of(g, []tf.Output{y}, []tf.Output{x}, Options{})
	var missing *MissingRuleError
	if !errors.As(err, &missing) {
		t.Fatalf("got %v", err)
	}
	var names []string
	for _, m := range missing.Ops {
		names = append(names, m.Type+" "+m.Name)
	}
	slices.Sort(names)
	want := []string{"Dawsn net/Dawsn", "Spence net/Spence", "Spence net/Spence_1"}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if message := err.Error(); !strings.Contains(message, "Dawsn at net/Dawsn; Spence at net/Spence, net/Spence_1") {
		t.Errorf("message %q", message)
	}
	if after := len(g.Operations()); after != before {
		t.Errorf("%d operations were added", after-before)
	}
	if HasRule("Spence") || !HasRule("Conv2D") || !HasRule("StopGradient") || aside.Op == nil {
		t.Error("HasRule")
	}
}

// TestComplexIsNoWayAround has a path over complex numbers, of which one operation has no rule, beside one over real ones.
func TestComplexIsNoWayAround(t *testing.T) {
	g := tf.NewGraph()
	s := newScope(g, "net")
	x := placeholder(s, 2, 2)
	turned := s.One("IFFT2D", nil, s.One("Exp", nil, s.One("FFT2D", nil, s.Cast(x, tf.Complex128))))
	y := s.Add(x, s.Cast(turned, tf.Double))
	_, err := Of(g, []tf.Output{y}, []tf.Output{x}, Options{})
	const want = "no rule for Exp (complex numbers) at net/Exp"
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestRefusalsSayWhy(t *testing.T) {
	for _, c := range []struct {
		name, want string
		f          func(s *scope, x tf.Output) tf.Output
	}{
		{"diagonal", "repeats label", func(s *scope, x tf.Output) tf.Output {
			return s.One("Einsum", attrs{"equation": "aa->a"}, tf.OutputList{x})
		}},
		{"ellipsis", "not in front", func(s *scope, x tf.Output) tf.Output {
			return s.One("Einsum", attrs{"equation": "a...,ab->b..."}, tf.OutputList{x, x})
		}},
		{"statistics", "mean or variance", func(s *scope, x tf.Output) tf.Output {
			v := s.One("Reshape", nil, s.Cast(x, tf.Float), s.Constant([]int32{4}))
			image := s.Cast(s.noise(1, 2, 2, 4), tf.Float)
			return s.One("FusedBatchNormV3", attrs{"is_training": false}, image, v, v, v, v)
		}},
		{"long product", "64", func(s *scope, x tf.Output) tf.Output {
			return s.One("Prod", nil, s.One("Tile", nil, x, s.Constant([]int32{1, 99})), s.Constant(int32(1)))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := tf.NewGraph()
			s := newScope(g, "net")
			x := placeholder(s, 2, 2)
			y := c.f(s, x)
			if s.Err() != nil {
				t.Fatal(s.Err())
			}
			_, err := Of(g, []tf.Output{y}, []tf.Output{x}, Options{})
			var missing *MissingRuleError
			if !errors.As(err, &missing) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a reason with %q", err, c.want)
			}
		})
	}
}

// TestNoPath has a y that x reaches only through operations that end a path, and by
// the features of ReluGrad: the second order of a ReLU network.
func TestNoPath(t *testing.T) {
	for _, op := range Rules() {
		if !table[op].stop {
			continue
		}
		g := tf.NewGraph()
		s := newScope(g, "net")
		x := placeholder(s, 2, 2)
		in := []tf.Input{x}
		if op == "FloorDiv" {
			in = append(in, s.noise(2, 2))
		}
		y := s.One(op, nil, in...)
		if _, err := Of(g, []tf.Output{y}, []tf.Output{x}, Options{}); s.Err() != nil || !errors.Is(err, ErrNoPath) {
			t.Errorf("%s: %v, %v", op, s.Err(), err)
		}
	}
	g := tf.NewGraph()
	s := newScope(g, "net")
	x, z := placeholder(s, 2, 2), placeholder(s, 2, 2)
	y := s.Mul(s.One("Relu", nil, s.One("MatMul", nil, x, s.noise(2, 2))), z)
	first, err := Of(g, []tf.Output{y}, []tf.Output{x}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := Of(g, first, []tf.Output{x, z}, Options{})
	if !errors.Is(err, ErrNoPath) || !strings.Contains(err.Error(), "net/Placeholder:0:") {
		t.Errorf("got %v", err)
	}
	if second[0].Op != nil || second[1].Op == nil {
		t.Errorf("got %v: the path to z exists, that to x does not", second)
	}
}

// TestGradientsAddUp compares with d/dx (x^2 + x sin x + x) = 2x + sin x + x cos x + 1.
func TestGradientsAddUp(t *testing.T) {
	g := tf.NewGraph()
	s := newScope(g, "net")
	x := placeholder(s)
	y := s.One("AddN", nil, tf.OutputList{s.Mul(x, x), s.Mul(x, s.One("Sin", nil, x)), x})
	dx, err := Of(g, []tf.Output{y}, []tf.Output{x, x}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const want = 1.4 + 0.644217687237691 + 0.7*0.764842187284489 + 1 // sin and cos of 0.7
	for _, d := range dx {
		if got := evaluate(t, g, x, 0.7, d).(float64); got < want-1e-12 || got > want+1e-12 {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestUpstreamSeveralYsAndXItself(t *testing.T) {
	g := tf.NewGraph()
	s := newScope(g, "net")
	x := placeholder(s, 2)
	up := s.reals([]float64{3, 5}, 2)
	ys := []tf.Output{x, s.Mul(x, x)}
	dx, err := Of(g, ys, []tf.Output{x}, Options{Name: "net/Mul", Upstream: []tf.Output{up, up}})
	if err != nil {
		t.Fatal(err)
	}
	if got := evaluate(t, g, x, []float64{1, -2}, dx[0]).([]float64); !slices.Equal(got, []float64{9, -15}) {
		t.Errorf("got %v", got)
	}
}

// TestLongChain has more operations than a recursive walk would survive cheaply.
func TestLongChain(t *testing.T) {
	g := tf.NewGraph()
	s := newScope(g, "net")
	x := placeholder(s)
	y := x
	half := s.Scalar(0.5, x)
	const length = 2500 // of two operations each
	for range length {
		y = s.Mul(s.Add(y, y), half)
	}
	dx, err := Of(g, []tf.Output{s.Mul(y, y)}, []tf.Output{x}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	dx, err = Of(g, dx, []tf.Output{x}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := evaluate(t, g, x, 3., dx[0]); got != 2. {
		t.Errorf("second derivative of the square of %d identities is %v", length, got)
	}
}

func TestBadArguments(t *testing.T) {
	g, other := tf.NewGraph(), tf.NewGraph()
	s := newScope(g, "net")
	x := placeholder(s, 2)
	whole := s.Constant([]int32{1, 2})
	single := s.Cast(x, tf.Float)
	foreign := placeholder(newScope(other, "net"), 2)
	for want, call := range map[string]struct {
		ys, xs []tf.Output
		o      Options
	}{
		"at least one of each":      {nil, []tf.Output{x}, Options{}},
		"y 0 is no tensor":          {[]tf.Output{{}}, []tf.Output{x}, Options{}},
		"x 0 (net/Placeholder)":     {[]tf.Output{x}, []tf.Output{foreign}, Options{}},
		"not a floating-point":      {[]tf.Output{x}, []tf.Output{whole}, Options{}},
		"1 upstream tensors":        {[]tf.Output{x, x}, []tf.Output{x}, Options{Upstream: []tf.Output{x}}},
		"is not of the type of y":   {[]tf.Output{x}, []tf.Output{x}, Options{Upstream: []tf.Output{single}}},
		"belongs to another graph":  {[]tf.Output{foreign}, []tf.Output{x}, Options{}},
		"upstream 0 is no tensor":   {[]tf.Output{x}, []tf.Output{x}, Options{Upstream: make([]tf.Output, 1)}},
		"0 ys and 1 xs given":       {[]tf.Output{}, []tf.Output{x}, Options{}},
		"cannot begin the name":     {[]tf.Output{x}, []tf.Output{x}, Options{Name: "a b"}},
		"which has 1":               {[]tf.Output{{Op: x.Op, Index: 1}}, []tf.Output{x}, Options{}},
		"no differentiable path":    {[]tf.Output{s.noise(2)}, []tf.Output{x}, Options{}},
		"with respect to net/Place": {[]tf.Output{s.noise(2)}, []tf.Output{x}, Options{}},
	} {
		if _, err := Of(g, call.ys, call.xs, call.o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
