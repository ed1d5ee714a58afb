package savedmodels

import (
	"path/filepath"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
)

// TestLighten compares the scores and the gradients of both orders of networks with those of their graphs as they were saved, with
// and without a surrogate, and counts what is gone.
func TestLighten(t *testing.T) {
	options := map[string]Options{}
	for _, want := range readExpectations(t, "testdata") {
		options[want.Name] = want.options()
	}
	for dir, folded := range map[string]int{ // batch normalisations that follow a convolution
		"cifar10_vgg": 6, "cifar10_resnet20": 21, "cifar10_mobilenetv2": 26, "testdata/preprocessing": 1, "mnist_cnn": 0,
	} {
		t.Run(dir, func(t *testing.T) {
			saved, err := openAsSaved(dir, options[filepath.Base(dir)])
			if err != nil {
				t.Fatal(err)
			}
			light, err := Open(dir, options[filepath.Base(dir)])
			if err != nil {
				t.Fatal(err)
			}
			before, after := saved.graph.Histogram(), light.graph.Histogram()
			if gone := before["Rsqrt"] - after["Rsqrt"]; gone != folded {
				t.Errorf("%d normalisations are gone, want %d", gone, folded)
			}
			if light.saved.parameters != saved.saved.parameters || light.saved.ops["Rsqrt"] != before["Rsqrt"] {
				t.Error("what the network was saved with has changed")
			}
			if folded > 0 && light.Bytes() >= saved.Bytes() {
				t.Errorf("%d bytes of weights, %d as saved", light.Bytes(), saved.Bytes())
			}
			for _, surrogate := range []*Softplus{nil, {Beta: 1}} {
				want, got := bothOrders(t, saved, surrogate), bothOrders(t, light, surrogate)
				for i := range want {
					if d := apart(got[i], want[i]); !(d < 1e-4) {
						t.Errorf("surrogate %v, %s: relative difference %.2g", surrogate, []string{"scores", "gradient", "second order"}[i], d)
					}
				}
			}
		})
	}
}

// bothOrders are the scores of two images, the gradient of the square of one, and that of the gradient's sum of squares.
func bothOrders(t *testing.T, m *Model, surrogate *Softplus) [][]float64 {
	t.Helper()
	g := tf.NewGraph()
	dims := []int64{2, int64(m.shape[0]), int64(m.shape[1]), int64(m.shape[2])}
	x, err := placeholder(g, "images", tf.Float, dims...)
	if err != nil {
		t.Fatal(err)
	}
	logits, err := m.Build(g, "network", x, BuildOptions{Wide: true, Surrogate: surrogate})
	if err != nil {
		t.Fatal(err)
	}
	score := column(t, g, logits, 1)
	y := add(t, g, "product", "Mul", nil, score, score)
	first := gradientOf(t, g, y, x)
	return runAll(t, m, g, x, pixels(dims...), logits, first, gradientOf(t, g, square(t, g, first), x))
}
