package savedmodels

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"
)

// TestCalls takes networks of an open batch as if their signature fixed it at one or two images, and compares several calls side by
// side with what the open batch gives: scores, and a gradient.
func TestCalls(t *testing.T) {
	models := map[string]Options{}
	for _, want := range readExpectations(t, "testdata") {
		if want.Error == "" && want.Name != "fixed_batch" {
			models[filepath.Join("testdata", want.Name)] = want.options()
		}
	}
	content, err := os.ReadFile("testdata/graphs/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var graphs []graphExpectation
	if err := json.Unmarshal(content, &graphs); err != nil {
		t.Fatal(err)
	}
	for _, want := range graphs {
		if want.Error == "" {
			models[filepath.Join("testdata/graphs", want.Name)] = Options{Input: want.Input, Output: want.Output, Shape: want.Shape}
		}
	}
	for _, name := range []string{"cifar10_resnet20", "cifar10_mobilenetv2", "cifar10_vit", "mnist_mlp"} {
		models[name] = Options{}
	}
	tested := 0
	for dir, o := range models {
		m, err := Open(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		if m.unit != 0 {
			continue // its graph is that of one batch alone
		}
		tested++
		t.Run(dir, func(t *testing.T) {
			want := scoresAndGradient(t, m)
			for _, unit := range []int{1, 2} {
				m.unit = unit
				got := scoresAndGradient(t, m)
				for i := range want {
					if d := apart(got[i], want[i]); !(d < 1e-4) {
						t.Errorf("%d images per call: %s: relative difference %.2g", unit, []string{"scores", "gradient"}[i], d)
					}
				}
			}
		})
	}
	if tested < 30 {
		t.Errorf("%d networks, want more than 30", tested)
	}
}

func scoresAndGradient(t *testing.T, m *Model) [][]float64 {
	t.Helper()
	g := tf.NewGraph()
	dims := []int64{4, int64(m.shape[0]), int64(m.shape[1]), int64(m.shape[2])}
	x, err := placeholder(g, "images", tf.Float, dims...)
	if err != nil {
		t.Fatal(err)
	}
	logits, err := m.Build(g, "network", x, BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return runAll(t, m, g, x, pixels(dims...), logits, gradientOf(t, g, column(t, g, logits, 1), x))
}
