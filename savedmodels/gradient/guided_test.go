package gradient

import (
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
)

// TestGuided: rectifiers let through what is positive of the gradient, here of the weights, times their slope; nothing else is guided.
func TestGuided(t *testing.T) {
	x := []float64{-2, -1, 0.5, 2, 7, 8, 3}
	for _, c := range []struct {
		op   string
		a    attrs
		want []float64
	}{
		{"Relu", nil, []float64{0, 0, 3, 0, 5, 0, 4}},
		{"Relu6", nil, []float64{0, 0, 3, 0, 0, 0, 4}},
		{"LeakyRelu", attrs{"alpha": float32(0.25)}, []float64{0.25, 0, 3, 0, 5, 0, 4}},
		{"Tanh", nil, nil},
	} {
		g := tf.NewGraph()
		s := newScope(g, "net")
		in := placeholder(s, int64(len(x)))
		weights := s.reals([]float64{1, -2, 3, -4, 5, -6, 4}, int64(len(x)))
		y := s.Mul(s.One(c.op, c.a, in), weights)
		guided, err := Of(g, []tf.Output{y}, []tf.Output{in}, Options{Guided: true})
		if err != nil {
			t.Fatal(err)
		}
		want := c.want
		if want == nil {
			plain, err := Of(g, []tf.Output{y}, []tf.Output{in}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			want = evaluate(t, g, in, x, plain[0]).([]float64)
		}
		got := evaluate(t, g, in, x, guided[0]).([]float64)
		for i := range x {
			if got[i] != want[i] {
				t.Errorf("%s: the gradient at %g is %g, want %g", c.op, x[i], got[i], want[i])
			}
		}
	}
}

// TestGuidedTwice: the gradients of several readers of a rectifier are summed up before what is positive of them passes, and the
// derivative of the guided pass is that of a product with masks. Both by hand.
func TestGuidedTwice(t *testing.T) {
	g := tf.NewGraph()
	s := newScope(g, "net")
	in := placeholder(s, 4)
	h := s.One("Relu", nil, in)
	// The sum of a h^2 and b h, whose gradient 2 a h + b passes where it is positive: h, h - 3, 0.
	y := s.Add(s.Mul(s.One("Square", nil, h), s.reals([]float64{0.5, 0.5, 0.5, 0.5}, 4)), s.Mul(h, s.reals([]float64{0, -3, -3, -3}, 4)))
	guided, err := Of(g, []tf.Output{y}, []tf.Output{in}, Options{Guided: true})
	if err != nil {
		t.Fatal(err)
	}
	second, err := Of(g, guided, []tf.Output{in}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	x := []float64{2, 5, 1, -1}
	for k, want := range [][]float64{{2, 2, 0, 0}, {1, 1, 0, 0}} {
		got := evaluate(t, g, in, x, [][]tf.Output{guided, second}[k][0]).([]float64)
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("order %d at %g: %g, want %g", k+1, x[i], got[i], want[i])
			}
		}
	}
}
