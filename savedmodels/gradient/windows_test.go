package gradient

import (
	"fmt"
	"math/rand/v2"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// TestWindowsApart compares the derivative of max pooling over windows that do not overlap with TensorFlow's MaxPoolGradGrad, on
// images that are full of ties, and with zeros as ReLU leaves them.
func TestWindowsApart(t *testing.T) {
	for _, c := range []struct{ height, width, size, stride int64 }{
		{4, 6, 2, 2}, {5, 7, 2, 2}, {7, 8, 3, 3}, {6, 5, 2, 3}, {5, 5, 5, 5}, {4, 3, 1, 2}, {3, 9, 4, 4},
	} {
		for _, padding := range []string{"VALID", "SAME"} {
			if padding == "VALID" && c.height < c.size {
				continue
			}
			for _, dtype := range []tf.DataType{tf.Float, tf.Double} {
				t.Run(fmt.Sprint(c, padding, dtype), func(t *testing.T) {
					a := attrs{"ksize": []int64{1, c.size, c.size, 1}, "strides": []int64{1, c.stride, c.stride, 1}, "padding": padding}
					checkWindows(t, a, dtype, []int64{2, c.height, c.width, 3})
				})
			}
		}
	}
}

func checkWindows(t *testing.T, a attrs, dtype tf.DataType, shape []int64) {
	g := tf.NewGraph()
	s := newScope(g, "net")
	r := rand.New(rand.NewPCG(1, 2))
	image, along := make([]float64, shape[0]*shape[1]*shape[2]*shape[3]), make([]float64, shape[0]*shape[1]*shape[2]*shape[3])
	for i := range image {
		image[i], along[i] = float64(max(0, r.IntN(5)-2)), r.NormFloat64()
	}
	in := func(v []float64) tf.Output { return s.Cast(s.reals(v, shape...), dtype) }
	x, up := in(image), in(along)
	y := s.One("MaxPool", a, x)
	upstream := s.Placeholder(dtype, ops.Dims(y)...)
	back := s.One("MaxPoolGrad", a, x, y, upstream)
	got, err := Of(g, []tf.Output{back}, []tf.Output{upstream}, Options{Upstream: []tf.Output{up}})
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range g.Operations() {
		if op.Type() == "MaxPoolGradGrad" {
			t.Error("the slow operation is still there")
		}
	}
	want := s.One("MaxPoolGradGrad", a, x, y, up)
	difference := s.One("Max", nil, s.One("Abs", nil, s.Cast(s.Reshape(s.Sub(got[0], want), -1), tf.Double)), s.Constant(int32(0)))
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	if d := run(t, session(t, g), nil, difference)[0].Value().(float64); d > 1e-6 {
		t.Errorf("differs by %g", d)
	}
}

// TestWindowsThatOverlap: those keep TensorFlow's operation, as do windows over channels and sizes that are not known.
func TestWindowsThatOverlap(t *testing.T) {
	s := newScope(tf.NewGraph(), "net")
	known, open := s.Placeholder(tf.Float, 2, 4, 4, 2), s.Placeholder(tf.Float, 2, -1, -1, 2)
	same := attrs{"ksize": twos, "strides": twos, "padding": "SAME", "data_format": "NHWC"}
	with := func(name string, value any) attrs {
		a := attrs{name: value}
		for k, v := range same {
			if k != name {
				a[k] = v
			}
		}
		return a
	}
	for name, c := range map[string]struct {
		a    attrs
		x    tf.Output
		want bool
	}{
		"apart":          {same, known, true},
		"sizes unknown":  {same, open, false},
		"nothing cut":    {with("padding", "VALID"), open, true},
		"overlap":        {with("ksize", threes), known, false},
		"explicit":       {with("padding", "EXPLICIT"), known, false},
		"over channels":  {with("ksize", []int64{1, 1, 1, 2}), known, false},
		"vectors":        {with("data_format", "NCHW_VECT_C"), known, false},
		"channels first": {with("data_format", "NCHW"), known, false},
	} {
		if _, ok := separate("MaxPoolGrad", c.a, c.x); ok != c.want {
			t.Errorf("%s: %v", name, ok)
		}
	}
}
