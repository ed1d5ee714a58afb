package gradient

import (
	"math"
	"slices"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// TestConventions compares with what tf.GradientTape of TensorFlow 2.18 gives at kinks
// and ties, and with closed forms where that is not finite or rounds to zero.
func TestConventions(t *testing.T) {
	for _, c := range []struct {
		name    string
		x, want []float64
		f       func(s *scope, x tf.Output) tf.Output
	}{
		{"relu at 0", []float64{-1, 0, 1}, []float64{0, 0, 1}, only("Relu")},
		{"relu6 at 0 and 6", []float64{0, 6, 5}, []float64{0, 0, 1}, only("Relu6")},
		{"abs at 0", []float64{0, -2}, []float64{0, -1}, only("Abs")},
		{"first of equals", []float64{1, 2, 1}, []float64{1, 0, 1}, func(s *scope, x tf.Output) tf.Output {
			return s.One("Maximum", nil, s.One("Minimum", nil, x, s.Constant([]float64{1, 3, 9})), s.Constant([]float64{1, 3, 0}))
		}},
		{"equals share", []float64{2, 1, 2}, []float64{0.5, 0, 0.5}, func(s *scope, x tf.Output) tf.Output {
			return s.One("Max", nil, x, s.Constant(int32(0)))
		}},
		{"limits pass", []float64{-1, 1, 2}, []float64{1, 1, 0}, func(s *scope, x tf.Output) tf.Output {
			return s.One("ClipByValue", nil, x, s.Scalar(-1, x), s.Scalar(1, x))
		}},
		{"first of a window", []float64{3, 3, 1, 2}, []float64{1, 0, 0, 0}, func(s *scope, x tf.Output) tf.Output {
			image := s.One("Reshape", nil, x, s.Constant([]int32{1, 2, 2, 1}))
			return s.One("MaxPool", attrs{"ksize": twos, "strides": twos, "padding": "VALID"}, image)
		}},
		{"square at 0", []float64{0}, []float64{0}, func(s *scope, x tf.Output) tf.Output {
			return s.One("Pow", nil, x, s.Scalar(2, x))
		}},
		{"power 0 at 0", []float64{0}, []float64{0}, func(s *scope, x tf.Output) tf.Output {
			return s.Add(s.One("Pow", nil, x, s.reals([]float64{0}, 1)), s.Scale(0, x))
		}},
		{"equal channels", equalColours, []float64{
			4.044444444444444, 0.5555555555555556, -4.0, 4.224489795918368, 0.4166666666666667, -3.2738095238095237, -0.4166666666666667, 4.111111111111111, -2.916666666666667, 8.0, 0.0, -5.0,
			3.0, 0.0, 0.0, -2.2222222222222223, 3.0385802469135803, 0.20833333333333334, 0.078125, -0.20833333333333334, 3.1302083333333335, 2.5804988662131523, 0.10204081632653064, -0.2380952380952381,
		}, func(s *scope, x tf.Output) tf.Output {
			return s.Mul(s.One("RGBToHSV", nil, s.Reshape(x, 8, 3)), s.reals([]float64{1, 2, 3}, 3))
		}},
		// e^-40 to 16 digits; y(1-y) gives 0.
		{"saturated sigmoid", []float64{40}, []float64{4.248354255291589e-18}, only("Sigmoid")},
		{"saturated softplus", []float64{800, -800}, []float64{1, 0}, only("Softplus")},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := tf.NewGraph()
			s := newScope(g, "net")
			x := placeholder(s, int64(len(c.x)))
			y := c.f(s, x)
			if s.Err() != nil {
				t.Fatal(s.Err())
			}
			dx, err := Of(g, []tf.Output{y}, []tf.Output{x}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := evaluate(t, g, x, c.x, dx[0]).([]float64)
			close := func(a, b float64) bool { return math.Abs(a-b) <= 1e-14*math.Abs(b) }
			if !slices.EqualFunc(got, c.want, close) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// equalColours are pixels with two channels or all three alike: the largest, the smallest, grey, black; the last two have a
// channel of 0 and one below.
var equalColours = []float64{
	0.5, 0.5, 0.2, 0.7, 0.3, 0.3, 0.2, 0.6, 0.2, 0.4, 0.4, 0.4, 0, 0, 0, 0.1, 0.9, 0.9, 0, 0.5, 0.8, 0.6, -0.1, 0.3,
}

func only(kind string) func(*scope, tf.Output) tf.Output {
	return func(s *scope, x tf.Output) tf.Output { return s.One(kind, nil, x) }
}

// TestMaxPoolTies checks that first and second order pick the same one of equal maxima,
// as ReLU makes many: the operations must be adjoint, <v, grad(w)> = <gradgrad(v), w>.
func TestMaxPoolTies(t *testing.T) {
	image := make([]float64, 2*6*6*2)
	for i := range image {
		image[i] = float64(max(0, i*7919%5-2))
	}
	for _, w := range strides {
		t.Run(w.name, func(t *testing.T) {
			a := attrs{"ksize": threes}
			for k, v := range w.a {
				a[k] = v
			}
			g := tf.NewGraph()
			s := newScope(g, "net")
			x := placeholder(s, int64(len(image)))
			y := s.One("MaxPool", a, s.One("Reshape", nil, x, s.Constant([]int32{2, 6, 6, 2})))
			up := placeholder(s, ops.Dims(y)...)
			first, err := Of(g, []tf.Output{y}, []tf.Output{x}, Options{Upstream: []tf.Output{up}})
			if err != nil {
				t.Fatal(err)
			}
			left := s.sumAll(s.Mul(first[0], s.noise(int64(len(image)))))
			second, err := Of(g, []tf.Output{left}, []tf.Output{up}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			right := s.sumAll(s.Mul(second[0], up))
			feeds := map[tf.Output]*tf.Tensor{
				x:  tensorOf(t, image, []int64{int64(len(image))}),
				up: tensorOf(t, image[:size(ops.Dims(y))], ops.Dims(y)),
			}
			out := run(t, session(t, g), feeds, left, right)
			if a, b := number(out[0]), number(out[1]); math.Abs(a-b) > 1e-12*math.Abs(a) || a == 0 {
				t.Errorf("<v, grad(w)> = %v, <gradgrad(v), w> = %v", a, b)
			}
		})
	}
}

// TestSmallTypes runs constants of the rules through the 16-bit types: d/dx erf(x)^2 at
// 0.5 is 0.914812, by its closed form.
func TestSmallTypes(t *testing.T) {
	for _, kind := range []tf.DataType{tf.Half, tf.Bfloat16, tf.Float} {
		g := tf.NewGraph()
		s := newScope(g, "net")
		x := placeholder(s)
		small := s.Cast(x, kind)
		dx, err := Of(g, []tf.Output{s.One("Square", nil, s.One("Erf", nil, small))}, []tf.Output{x}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := evaluate(t, g, x, 0.5, dx[0]).(float64); math.Abs(got-0.914812) > 0.02 {
			t.Errorf("type %v: got %v", kind, got)
		}
	}
}

// TestStaticShapesNeedNoShapeOperations: no broadcasting is worked out at run time
// where the sizes are known.
func TestStaticShapesNeedNoShapeOperations(t *testing.T) {
	g := tf.NewGraph()
	s := newScope(g, "net")
	x := placeholder(s, 4, 3)
	y := s.One("Softmax", nil, s.Add(s.Mul(x, s.noise(3)), s.noise(4, 1)))
	dx, err := Of(g, []tf.Output{s.Mul(y, y)}, []tf.Output{x}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Of(g, []tf.Output{s.Mul(dx[0], dx[0])}, []tf.Output{x}, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, op := range g.Operations() {
		if kind := op.Type(); kind == "Shape" || kind == "BroadcastGradientArgs" {
			t.Errorf("%s is a %s", op.Name(), kind)
		}
	}
}
