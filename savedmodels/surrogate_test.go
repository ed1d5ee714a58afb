package savedmodels

import (
	"fmt"
	"math"
	"slices"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
)

// TestSurrogateDerivatives compares the smooth rectifiers and their derivatives of both orders with their formulas in float64, from
// where they are straight lines to where they bend.
func TestSurrogateDerivatives(t *testing.T) {
	m := open(t, "rectifiers", Options{})
	for _, beta := range []float64{0.05, 1, 5.9, 6, 30, 1e4} {
		t.Run(fmt.Sprint(beta), func(t *testing.T) {
			// softplus(beta x)/beta, written so that it holds for arguments of any size, and its derivatives.
			value := func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(beta*x)))/beta }
			slope := func(x float64) float64 { return 1 / (1 + math.Exp(-beta*x)) }
			bend := func(x float64) float64 { return beta * slope(x) * slope(-x) }
			// The rectifiers of the three channels, made of it.
			channel := []func(f func(float64) float64, x, line float64) float64{
				func(f func(float64) float64, x, _ float64) float64 { return f(x) },
				func(f func(float64) float64, x, _ float64) float64 { return f(x) - f(x-6) },
				func(f func(float64) float64, x, line float64) float64 { return 0.3*line + 0.7*f(x) },
			}
			var images []float32
			for _, z := range []float64{-2000, -200, -90, -86, -50, -20, -16, -5, -1, -0.25, 0, 0.1, 2, 9, 15, 18, 30, 80, 86, 90, 200, 2000} {
				x := float32(z / beta)
				images = append(images, x, x, x)
			}
			for _, x := range []float32{0.5, 2, 2.75, 2.999, 3, 3.001, 3.5, 4, 5.5, 5.999, 6, 6.001, 6.5, 7} { // between and about both bends of Relu6
				images = append(images, x, x, x)
			}
			var want [3][]float64
			for i, v := range images {
				x := float64(v)
				want[0] = append(want[0], channel[i%3](value, x, x))
				want[1] = append(want[1], channel[i%3](slope, x, 1))
				want[2] = append(want[2], channel[i%3](bend, x, 0))
			}
			got := smoothRectifiers(t, m, beta, images)
			// What is rounded is the argument beta x of functions of slope 1/4 and less, or the larger part of a difference.
			size := slices.Max(images)
			for k, unit := range []float64{float64(max(size, 1)), 1, beta / 4} {
				for i := range images {
					if d := math.Abs(got[k][i] - want[k][i]); !(d <= 2e-6*unit) {
						t.Errorf("derivative %d of rectifier %d at %g is %g, want %g", k, i%3, images[i], got[k][i], want[k][i])
					}
				}
			}
			// ReLU's slopes keep their digits where they are small too.
			for i := 0; i < len(images); i += 3 {
				for k := 1; k <= 2; k++ {
					if d := math.Abs(got[k][i]/want[k][i] - 1); want[k][i] > 1e-30 && !(d < 1e-4) {
						t.Errorf("derivative %d at %g is %g, want %g", k, images[i], got[k][i], want[k][i])
					}
				}
			}
		})
	}
}

// smoothRectifiers returns the value of the network and its first and second derivatives, an element each.
func smoothRectifiers(t *testing.T, m *Model, beta float64, images []float32) [][]float64 {
	t.Helper()
	g := tf.NewGraph()
	shape := []int64{int64(len(images) / 3), 1, 1, 3}
	x, err := placeholder(g, "images", tf.Float, shape...)
	if err != nil {
		t.Fatal(err)
	}
	y, err := m.Build(g, "smooth", x, BuildOptions{Surrogate: &Softplus{Beta: beta}})
	if err != nil {
		t.Fatal(err)
	}
	tensor, err := tf.NewTensor(images)
	if err != nil {
		t.Fatal(err)
	}
	if err := tensor.Reshape(shape); err != nil {
		t.Fatal(err)
	}
	first := gradientOf(t, g, y, x)
	second := gradientOf(t, g, first, x)
	for _, op := range g.Operations() {
		if slices.Contains([]string{"Softplus", "SoftplusGrad", "SelectV2"}, op.Type()) {
			t.Errorf("%s is slow", op.Type())
		}
	}
	return runAll(t, m, g, x, tensor, y, first, second)
}
