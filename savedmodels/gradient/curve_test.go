package gradient

import (
	"math"
	"strings"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
)

// gelu is x (1 + erf(x/sqrt(2)))/2, as TensorFlow writes it.
func gelu(s *scope, x tf.Output) tf.Output {
	bend := s.Add(s.Scalar(1, x), s.One("Erf", nil, s.Div(x, s.Scalar(math.Sqrt2, x))))
	return s.Mul(s.Mul(s.Scalar(0.5, x), x), bend)
}

// curveExamples are functions of one tensor in several operations. With sizes that are not known the rules of the operations hold.
func curveExamples() []example {
	three := []input{around0(2, 3)}
	f := func(op, name string, f func(s *scope, x tf.Output) tf.Output) example {
		return example{op: op, name: name, in: three, f: func(s *scope, x []tf.Output) tf.Output { return f(s, x[0]) }}
	}
	return []example{
		f("Erf", "GELU", gelu),
		f("Erfc", "GELU from the other side", func(s *scope, x tf.Output) tf.Output {
			return s.Scale(0.5, s.Mul(x, s.One("Erfc", nil, s.Scale(-math.Sqrt2/2, x))))
		}),
		f("Tanh", "GELU by tanh", func(s *scope, x tf.Output) tf.Output {
			cube := s.Scale(0.044715, s.One("Pow", nil, x, s.Scalar(3, x)))
			bend := s.One("Tanh", nil, s.Scale(math.Sqrt(2/math.Pi), s.Add(x, cube)))
			return s.Scale(0.5, s.Mul(x, s.Add(bend, s.Scalar(1, x))))
		}),
		f("Sigmoid", "x sigmoid(1.702 x)", func(s *scope, x tf.Output) tf.Output {
			return s.Mul(x, s.One("Sigmoid", nil, s.Scale(1.702, x)))
		}),
		f("Pow", "square of a sum", func(s *scope, x tf.Output) tf.Output {
			return s.One("Pow", nil, s.Add(x, s.One("Exp", nil, s.Neg(x))), s.Scalar(2, x))
		}),
		f("Sub", "nothing", func(s *scope, x tf.Output) tf.Output {
			twice := s.Scale(2, x)
			return s.Add(s.Sub(twice, s.Add(x, x)), s.One("Square", nil, s.Sub(s.Scalar(3, x), s.Div(x, s.Scalar(4, x)))))
		}),
		f("Mul", "read in between", func(s *scope, x tf.Output) tf.Output {
			inner := s.One("Tanh", nil, s.Scale(0.7, x))
			return s.Add(s.One("Transpose", nil, s.One("Transpose", nil, inner, s.Constant([]int32{1, 0})), s.Constant([]int32{1, 0})),
				s.Mul(inner, s.One("Exp", nil, inner)))
		}),
		{op: "Mul", name: "of two tensors", in: []input{around0(2, 3), around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.Mul(gelu(s, x[0]), s.One("Tanh", nil, s.Scale(0.3, s.Mul(x[1], gelu(s, x[0])))))
		}},
		{op: "Mul", name: "times a row", in: []input{around0(1, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.Mul(gelu(s, x[0]), s.noise(2, 3))
		}},
		{op: "SquaredDifference", name: "variance", in: []input{around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			mean := s.One("Mean", attrs{"keep_dims": true}, x[0], s.Constant([]int32{1}))
			return s.One("Mean", attrs{"keep_dims": true}, s.One("SquaredDifference", nil, x[0], mean), s.Constant([]int32{1}))
		}},
	}
}

// TestCurveIsCarriedAtOnce counts what depends on the gradient that arrives at a GELU: one product with its slope. The second order
// adds those of the two factors and of the slope's own slope.
func TestCurveIsCarriedAtOnce(t *testing.T) {
	g := tf.NewGraph()
	s := newScope(g, "net")
	x, up := placeholder(s, 2, 3), placeholder(s, 2, 3)
	first, err := Of(g, []tf.Output{gelu(s, x)}, []tf.Output{x}, Options{Upstream: []tf.Output{up}})
	if err != nil {
		t.Fatal(err)
	}
	if n := consumers(g, up); n != 1 || first[0].Op.Type() != "Mul" {
		t.Errorf("%d operations read the gradient, the result is a %s; want one Mul", n, first[0].Op.Type())
	}
	next := placeholder(s, 2, 3)
	second, err := Of(g, first, []tf.Output{x, up}, Options{Upstream: []tf.Output{next}})
	if err != nil {
		t.Fatal(err)
	}
	if n := consumers(g, next); n != 2 || second[0].Op.Type() != "Mul" || second[1].Op.Type() != "Mul" {
		t.Errorf("%d operations read the gradient of the second order; want two", n)
	}
}

// consumers counts the operations that read a tensor.
func consumers(g *tf.Graph, x tf.Output) int {
	count := 0
	for _, op := range g.Operations() {
		for i := range op.NumInputs() {
			if in := (tf.Consumer{Op: &op, Index: i}).Producer(); *in.Op == *x.Op && in.Index == x.Index {
				count++
			}
		}
	}
	return count
}

// TestCurveEndsAtX differentiates t = z tanh(z) + x, z = x/2, with respect to z and x: what flows on from z to x counts too.
func TestCurveEndsAtX(t *testing.T) {
	g := tf.NewGraph()
	s := newScope(g, "net")
	x := placeholder(s, 1)
	z := s.Scale(0.5, x)
	y := s.Add(s.Mul(z, s.One("Tanh", nil, z)), x)
	got, err := Of(g, []tf.Output{y}, []tf.Output{x, z}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	tanh := math.Tanh(0.4)
	slope := tanh + 0.4*(1-tanh*tanh)
	for i, want := range []float64{1 + slope/2, slope} {
		v := evaluate(t, g, x, []float64{0.8}, got[i]).([]float64)[0]
		if math.Abs(v-want) > 1e-12 {
			t.Errorf("gradient %d is %v, want %v", i, v, want)
		}
	}
}

// TestBroadcastsAreMultipliedBefore: the gradient of a mean of squares multiplies the mean's own gradient, not a repetition of it.
func TestBroadcastsAreMultipliedBefore(t *testing.T) {
	g := tf.NewGraph()
	s := newScope(g, "net")
	x := placeholder(s, 2, 3)
	mean := s.One("Mean", nil, s.One("Square", nil, x), s.Constant([]int32{1}))
	got, err := Of(g, []tf.Output{s.One("Exp", nil, mean)}, []tf.Output{x}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := findPath(got, []tf.Output{x})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range p.nodes {
		if strings.HasPrefix(n.op.Name(), "gradients/") && n.kind == "BroadcastTo" {
			t.Errorf("%s is needed", n.op.Name())
		}
	}
	values := evaluate(t, g, x, [][]float64{{1, 0, 0.5}, {0, 0, 0}}, got[0]).([][]float64)
	for j, v := range []float64{1, 0, 0.5} {
		if want := math.Exp(1.25/3) * 2 * v / 3; math.Abs(values[0][j]-want) > 1e-12 || values[1][j] != 0 {
			t.Errorf("got %v", values)
		}
	}
}
