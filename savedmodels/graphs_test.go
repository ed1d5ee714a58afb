package savedmodels

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"upi/savedmodels/gradient"
	"upi/savedmodels/tensors"

	tf "github.com/wamuir/graft/tensorflow"
)

// graphExpectation is what nested tapes of TensorFlow say of one of the models that python/make_graph_models.py writes.
type graphExpectation struct {
	Name, Input, Output      string
	Error                    string // instead of all that follows: a part of Open's error
	Shape                    [3]int
	Batch                    int
	Scores, Gradient, Second []float64
}

// TestGraphs compares scores, the gradient of one score and the gradient of that gradient's sum of squares with TensorFlow's, for
// graphs with conditions, loops, lists, branches and variables of TensorFlow 1, and fixed batches.
func TestGraphs(t *testing.T) {
	content, err := os.ReadFile("testdata/graphs/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []graphExpectation
	if err := json.Unmarshal(content, &all); err != nil {
		t.Fatal(err)
	}
	for _, want := range all {
		t.Run(want.Name, func(t *testing.T) {
			m, err := Open(filepath.Join("testdata/graphs", want.Name), Options{Input: want.Input, Output: want.Output, Shape: want.Shape})
			if want.Error != "" {
				wantError(t, err, want.Error, want.Name)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			g := tf.NewGraph()
			shape := m.ImageShape()
			dims := []int64{int64(want.Batch), int64(shape[0]), int64(shape[1]), int64(shape[2])}
			x, err := placeholder(g, "images", tf.Float, dims...)
			if err != nil {
				t.Fatal(err)
			}
			logits, err := m.Build(g, "network", x, BuildOptions{})
			if err != nil {
				t.Fatal(err)
			}
			first := gradientOf(t, g, column(t, g, logits, 1), x)
			second := gradientOf(t, g, square(t, g, first), x)
			got := runAll(t, m, g, x, pixels(dims...), logits, first, second)
			for i, expected := range [][]float64{want.Scores, want.Gradient, want.Second} {
				if d := apart(got[i], expected); !(d < 1e-4) {
					t.Errorf("%s: relative difference %.2g", []string{"scores", "gradient", "second order"}[i], d)
				}
			}
		})
	}
}

func add(t *testing.T, g *tf.Graph, name, kind string, attrs map[string]any, inputs ...tf.Input) tf.Output {
	t.Helper()
	op, err := g.AddOperation(tf.OpSpec{Type: kind, Name: name, Input: inputs, Attrs: attrs})
	if err != nil {
		t.Fatal(err)
	}
	return op.Output(0)
}

func constantOf(t *testing.T, g *tf.Graph, name string, value any) tf.Output {
	t.Helper()
	tensor, err := tf.NewTensor(value)
	if err != nil {
		t.Fatal(err)
	}
	return add(t, g, name, "Const", map[string]any{"dtype": tensor.DataType(), "value": tensor})
}

func column(t *testing.T, g *tf.Graph, y tf.Output, k int32) tf.Output {
	t.Helper()
	begin, size := constantOf(t, g, "column/begin", []int32{0, k}), constantOf(t, g, "column/size", []int32{-1, 1})
	return add(t, g, "column", "Slice", nil, y, begin, size)
}

func square(t *testing.T, g *tf.Graph, y tf.Output) tf.Output {
	t.Helper()
	return add(t, g, "square", "Square", nil, y)
}

func gradientOf(t *testing.T, g *tf.Graph, y, x tf.Output) tf.Output {
	t.Helper()
	gradients, err := gradient.Of(g, []tf.Output{y}, []tf.Output{x}, gradient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return gradients[0]
}

func runAll(t *testing.T, m *Model, g *tf.Graph, x tf.Output, images *tf.Tensor, fetches ...tf.Output) [][]float64 {
	t.Helper()
	session, err := tf.NewSession(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	err = m.Initialize(g, func(feeds map[tf.Output]*tf.Tensor, targets []*tf.Operation) error {
		_, err := session.Run(feeds, nil, targets)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	results, err := session.Run(map[tf.Output]*tf.Tensor{x: images}, fetches, nil)
	if err != nil {
		t.Fatal(err)
	}
	values := make([][]float64, len(results))
	for i, r := range results {
		if err := r.Reshape([]int64{tensors.Elements(r.Shape())}); err != nil {
			t.Fatal(err)
		}
		for _, v := range r.Value().([]float32) {
			values[i] = append(values[i], float64(v))
		}
	}
	return values
}

// apart is the norm of the difference over that of what is wanted.
func apart(got, want []float64) float64 {
	if len(got) != len(want) || slices.ContainsFunc(got, math.IsNaN) {
		return math.Inf(1)
	}
	var difference, norm float64
	for i := range want {
		difference += (got[i] - want[i]) * (got[i] - want[i])
		norm += want[i] * want[i]
	}
	if difference == 0 {
		return 0
	}
	return math.Sqrt(difference / norm)
}
