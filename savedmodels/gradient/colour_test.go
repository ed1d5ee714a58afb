package gradient

import (
	"math/rand/v2"
	"slices"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
)

func colourExamples() []example {
	// Colours whose channels are apart, in all six orders, so that their hues lie in the middle of a piece of the colour wheel.
	orders := [][]float64{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	colours := input{[]int64{2, 3, 2, 3}, func(r *rand.Rand, i, _ int) float64 {
		return 0.2 + 0.3*orders[i/3%6][i%3] + 0.06*(r.Float64()-0.5)
	}}
	// Hues and saturations away from where the six pieces meet.
	hues := input{[]int64{2, 2, 3}, func(r *rand.Rand, i, _ int) float64 {
		if i%3 == 0 {
			return (float64(i/3%6) + 0.25 + 0.5*r.Float64()) / 6
		}
		return 0.2 + 0.6*r.Float64()
	}}
	single := func(kind string, by float32) func(*scope, []tf.Output) tf.Output {
		return func(s *scope, x []tf.Output) tf.Output {
			return s.One(kind, nil, s.Cast(x[0], tf.Float), s.Constant(by))
		}
	}
	boxes := [][]float32{{0.1, 0, 0.8, 0.9}, {0, 0.25, 1.25, 1}}
	crop := func(a attrs) func(*scope, []tf.Output) tf.Output {
		return func(s *scope, x []tf.Output) tf.Output {
			return s.One("CropAndResize", a, x[0], s.Constant(boxes), s.Constant([]int32{1, 0}), s.Constant([]int32{3, 2}))
		}
	}
	// Within the limits and beyond them, away from both.
	levels := input{[]int64{2, 4}, func(_ *rand.Rand, i, _ int) float64 { return float64(i)*1.1 - 3.9 }}
	return []example{
		{op: "RGBToHSV", name: "colours", in: []input{colours}, f: of("RGBToHSV", nil)},
		{op: "HSVToRGB", name: "colours", in: []input{hues}, f: of("HSVToRGB", nil)},
		{op: "AdjustSaturation", name: "less", single: true, curved: true, in: []input{colours}, f: single("AdjustSaturation", 0.6)},
		{op: "AdjustHue", name: "a bit on", single: true, curved: true, in: []input{colours}, f: single("AdjustHue", 0.05)},
		{op: "AdjustContrastv2", name: "images and factor", single: true, curved: true, in: []input{colours, positive()},
			f: func(s *scope, x []tf.Output) tf.Output {
				return s.One("AdjustContrastv2", nil, s.Cast(x[0], tf.Float), s.Cast(x[1], tf.Float))
			}},
		{op: "CropAndResize", name: "bilinear", single: true, in: []input{around0(2, 4, 3, 2)},
			f: crop(attrs{"extrapolation_value": float32(2)})},
		{op: "CropAndResize", name: "nearest", single: true, in: []input{around0(2, 4, 3, 2)}, f: crop(attrs{"method": "nearest"})},
		{op: "CropAndResizeGradImage", name: "upstream", single: true, in: []input{around0(2, 3, 2, 2)}, fixed: true,
			f: func(s *scope, x []tf.Output) tf.Output {
				return s.One("CropAndResizeGradImage", attrs{"T": tf.Float}, s.Cast(x[0], tf.Float), s.Constant(boxes), s.Constant([]int32{1, 0}), s.Constant([]int32{2, 4, 3, 2}))
			}},
		{op: "FakeQuantWithMinMaxArgsGradient", name: "upstream", single: true, in: []input{around0(2, 4)},
			f: func(s *scope, x []tf.Output) tf.Output {
				return s.One("FakeQuantWithMinMaxArgsGradient", attrs{"min": float32(-1), "max": float32(2)}, s.Cast(x[0], tf.Float), values(s, levels))
			}},
		{op: "FakeQuantWithMinMaxVarsGradient", name: "upstream", single: true, in: []input{around0(2, 4)},
			f: func(s *scope, x []tf.Output) tf.Output {
				return s.One("FakeQuantWithMinMaxVarsGradient", nil, s.Cast(x[0], tf.Float), values(s, levels), s.Constant(float32(-1)), s.Constant(float32(2)))
			}},
		{op: "FakeQuantWithMinMaxVarsPerChannelGradient", name: "upstream", single: true, in: []input{around0(2, 4)},
			f: func(s *scope, x []tf.Output) tf.Output {
				return s.One("FakeQuantWithMinMaxVarsPerChannelGradient", nil, s.Cast(x[0], tf.Float), values(s, levels),
					s.Constant([]float32{-1, -2, -3, -4}), s.Constant([]float32{2, 2, 2, 2}))
			}},
	}
}

// values is a constant, float32, of what an input draws.
func values(s *scope, in input) tf.Output {
	v := make([]float64, size(in.shape))
	for i := range v {
		v[i] = in.draw(nil, i, len(v))
	}
	return s.Cast(s.reals(v, in.shape...), tf.Float)
}

// fourierExamples go from real numbers to real numbers by way of a spectrum.
func fourierExamples() []example {
	var list []example
	complexNumbers := func(s *scope, x []tf.Output) tf.Output { return s.complex(x[0], x[1], tf.Complex128) }
	both := func(s *scope, z tf.Output) tf.Output {
		return s.Add(s.part("Real", z, tf.Double), s.square(s.part("Imag", z, tf.Double)))
	}
	for k, axes := range []string{"", "2D", "3D"} {
		shape := []int64{2, 2, 3, 4}
		sizes := []int32{2, 3, 4}[2-k:]
		half := []int64{2, 2, 3, 3}
		for _, kind := range []string{"FFT", "IFFT"} {
			list = append(list, example{op: kind + axes, name: "complex", in: []input{around0(shape...), around0(shape...)},
				f: func(s *scope, x []tf.Output) tf.Output {
					return both(s, s.One(kind+axes, nil, complexNumbers(s, x)))
				}})
		}
		for name, odd := range map[string]int32{"even": 0, "odd": 1} {
			sizes := append([]int32{}, sizes...)
			sizes[k] -= odd
			real := append([]int64{}, shape...)
			real[3] -= int64(odd)
			spectrum := append([]int64{}, half...)
			spectrum[3] = real[3]/2 + 1
			list = append(list,
				example{op: "RFFT" + axes, name: name, in: []input{around0(real...)}, f: func(s *scope, x []tf.Output) tf.Output {
					return both(s, s.One("RFFT"+axes, attrs{"Tcomplex": tf.Complex128}, x[0], s.Constant(sizes)))
				}},
				example{op: "IRFFT" + axes, name: name, in: []input{around0(spectrum...), around0(spectrum...)},
					f: func(s *scope, x []tf.Output) tf.Output {
						return s.One("IRFFT"+axes, attrs{"Treal": tf.Double}, complexNumbers(s, x), s.Constant(sizes))
					}})
		}
	}
	z := []input{around0(2, 3), around0(2, 3)}
	return append(list,
		example{op: "Complex", name: "broadcast", in: []input{around0(2, 3), around0(3)}, f: func(s *scope, x []tf.Output) tf.Output {
			z := complexNumbers(s, x)
			return both(s, s.Mul(z, s.One("Conj", nil, s.Mul(z, z))))
		}},
		example{op: "Real", name: "of a square", in: z, f: func(s *scope, x []tf.Output) tf.Output {
			z := complexNumbers(s, x)
			return s.part("Real", s.Mul(z, z), tf.Double)
		}},
		example{op: "Imag", name: "of a product", in: z, f: func(s *scope, x []tf.Output) tf.Output {
			z := complexNumbers(s, x)
			return s.part("Imag", s.Mul(z, s.One("Conj", nil, s.Sub(z, s.Scalar(2, z)))), tf.Double)
		}},
		example{op: "Conj", name: "moved about", in: z, f: func(s *scope, x []tf.Output) tf.Output {
			z := s.One("Transpose", nil, s.One("Conj", nil, complexNumbers(s, x)), s.Constant([]int32{1, 0}))
			part := s.One("StridedSlice", nil, z, s.Constant([]int32{0, 0}), s.Constant([]int32{3, 2}), s.Constant([]int32{2, 1}))
			return both(s, s.Add(s.One("ConcatV2", nil, tf.OutputList{part, part}, s.Constant(int32(1))), s.Scalar(1, z)))
		}},
		example{op: "ComplexAbs", name: "of a sum", in: z, f: func(s *scope, x []tf.Output) tf.Output {
			z := complexNumbers(s, x)
			return s.One("ComplexAbs", attrs{"Tout": tf.Double}, s.One("Sum", nil, s.Mul(z, s.Cast(x[0], tf.Complex128)), s.Constant(int32(1))))
		}},
	)
}

// TestFakeQuantisation compares with what tf.GradientTape of TensorFlow 2.18 gives: the upstream gradient 1..8 where the value
// lies within the limits, here of -1..2 with 16 levels.
func TestFakeQuantisation(t *testing.T) {
	x := []float64{-3, -1, -0.99, 0.3, 1.99, 2.01, 2.5, 0.7}
	within := []float64{0, 2, 3, 4, 5, 0, 0, 8}
	limits := func(low, high any) func(s *scope) []tf.Output {
		return func(s *scope) []tf.Output { return []tf.Output{s.Constant(low), s.Constant(high)} }
	}
	for _, c := range []struct {
		op     string
		a      attrs
		limits func(s *scope) []tf.Output
		want   []float64
	}{
		{"FakeQuantWithMinMaxArgs", attrs{"min": float32(-1), "max": float32(2)}, func(*scope) []tf.Output { return nil }, within},
		{"FakeQuantWithMinMaxVars", attrs{}, limits(float32(-1), float32(2)), within},
		{"FakeQuantWithMinMaxVarsPerChannel", attrs{}, limits([]float32{-1, -2, -0.5, -4}, []float32{2, 1, 2, 0.5}), []float64{0, 2, 0, 4, 5, 0, 0, 0}},
	} {
		g := tf.NewGraph()
		s := newScope(g, "net")
		in := placeholder(s, 8)
		inputs := append([]tf.Output{s.Cast(s.Reshape(in, 2, 4), tf.Float)}, c.limits(s)...)
		c.a["num_bits"] = int64(4)
		y := of(c.op, c.a)(s, inputs)
		up := s.Cast(s.reals([]float64{1, 2, 3, 4, 5, 6, 7, 8}, 2, 4), tf.Float)
		if s.Err() != nil {
			t.Fatal(s.Err())
		}
		first, err := Of(g, []tf.Output{y}, []tf.Output{in}, Options{Upstream: []tf.Output{up}})
		if err != nil {
			t.Fatal(err)
		}
		if got := evaluate(t, g, in, x, first[0]).([]float64); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.op, got, c.want)
		}
		// The gate has no slope of its own: the second order of a product with x is the gate twice.
		square, err := Of(g, []tf.Output{s.Mul(y, y)}, []tf.Output{in}, Options{})
		if err == nil {
			square, err = Of(g, []tf.Output{square[0]}, []tf.Output{in}, Options{})
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range evaluate(t, g, in, x, square[0]).([]float64) {
			if inside := c.want[i] != 0; inside && v != 2 || !inside && v != 0 {
				t.Errorf("%s: second derivative of the square at %g is %g", c.op, x[i], v)
			}
		}
	}
}
