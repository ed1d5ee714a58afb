package savedmodels

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

func open(t *testing.T, name string, o Options) *Model {
	t.Helper()
	m, err := Open(filepath.Join("testdata", name), o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func placeholder(g *tf.Graph, name string, dtype tf.DataType, dims ...int64) (tf.Output, error) {
	s := ops.NewScope(g, name)
	return s.Placeholder(dtype, dims...), s.Err()
}

// TestBuildTwice puts one model into a graph twice, with different batches: the same logits, and no second set of weights.
func TestBuildTwice(t *testing.T) {
	m := open(t, "keras_export", Options{})
	g := tf.NewGraph()
	var logits [][]float64
	for i, batch := range []int64{2, 5} {
		name := []string{"a", "b"}[i]
		x, err := placeholder(g, "images_"+name, tf.Float, batch, 8, 8, 3)
		if err != nil {
			t.Fatal(err)
		}
		y, err := m.Build(g, name, x, BuildOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if shape, _ := y.Shape().ToSlice(); !slices.Equal(shape, []int64{batch, 4}) || y.DataType() != tf.Float {
			t.Errorf("logits are %v %v", y.DataType(), shape)
		}
		logits = append(logits, run(t, m, g, x, pixels(batch, 8, 8, 3), y))
	}
	compare(t, logits[1][:8], logits[0], 1e-6)
	kinds := map[string]int{}
	for _, op := range g.Operations() {
		kinds[op.Type()]++
	}
	if kinds["Conv2D"] != 2 || kinds["Shape"] != 0 || kinds["Softmax"] != 0 {
		t.Errorf("ops %v, want 2 Conv2D, no Shape, no Softmax", kinds)
	}
	weights := 0
	for i := range m.weights {
		if g.Operation(m.weightName(i)) != nil {
			weights++
		}
	}
	if weights != 4 {
		t.Errorf("%d constants for weights, want 4", weights)
	}
}

func TestBuildErrors(t *testing.T) {
	m := open(t, "module", Options{})
	fixed := open(t, "fixed_batch", Options{})
	tests := []struct {
		name    string
		model   *Model
		dtype   tf.DataType
		shape   []int64
		options BuildOptions
		want    string
	}{
		{"rank", m, tf.Float, []int64{2, 4, 4}, BuildOptions{}, "static shape [B,4,4,2]"},
		{"size", m, tf.Float, []int64{2, 4, 5, 2}, BuildOptions{}, "static shape [B,4,4,2]"},
		{"open batch", m, tf.Float, []int64{-1, 4, 4, 2}, BuildOptions{}, "static shape [B,4,4,2]"},
		{"type", m, tf.Uint8, []int64{2, 4, 4, 2}, BuildOptions{}, "must be float32"},
		{"batch", fixed, tf.Float, []int64{3, 4, 4, 2}, BuildOptions{}, "2 images at a time"},
		{"no rectifier", m, tf.Float, []int64{2, 4, 4, 2}, BuildOptions{Surrogate: &Softplus{Beta: 30}}, "no Relu"},
		{"beta", m, tf.Float, []int64{2, 4, 4, 2}, BuildOptions{Surrogate: &Softplus{Beta: math.NaN()}}, "beta must be above 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := tf.NewGraph()
			x, err := placeholder(g, "images", test.dtype, test.shape...)
			if err != nil {
				t.Fatal(err)
			}
			_, err = test.model.Build(g, "network", x, test.options)
			wantError(t, err, test.want)
		})
	}
}

// TestSurrogate compares the smooth rectifiers with their formulas in float64.
func TestSurrogate(t *testing.T) {
	const beta = 0.05
	soft := func(x float64) float64 { return math.Log1p(math.Exp(beta*x)) / beta }
	formulas := []func(float64) float64{
		soft,
		func(x float64) float64 { return soft(x) - soft(x-6) },
		func(x float64) float64 { return 0.3*x + 0.7*soft(x) },
	}
	m := open(t, "rectifiers", Options{})
	g := tf.NewGraph()
	x, err := placeholder(g, "images", tf.Float, 4, 1, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	y, err := m.Build(g, "smooth", x, BuildOptions{Surrogate: &Softplus{Beta: beta}})
	if err != nil {
		t.Fatal(err)
	}
	images := []float32{-40, -40, -40, -1, 3, -1, 0, 0, 0, 25, 12, 25}
	tensor, err := tf.NewTensor(images)
	if err != nil {
		t.Fatal(err)
	}
	if err := tensor.Reshape([]int64{4, 1, 1, 3}); err != nil {
		t.Fatal(err)
	}
	want := make([]float64, len(images))
	for i, v := range images {
		want[i] = formulas[i%3](float64(v))
	}
	compare(t, run(t, m, g, x, tensor, y), want, 1e-6)

	// For a large beta it is the rectifiers themselves.
	hard, err := m.Build(g, "hard", x, BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	steep, err := m.Build(g, "steep", x, BuildOptions{Surrogate: &Softplus{Beta: 1e4}})
	if err != nil {
		t.Fatal(err)
	}
	compare(t, run(t, m, g, x, tensor, steep), run(t, m, g, x, tensor, hard), 1e-4)
}

func TestInspect(t *testing.T) {
	i, err := Inspect("testdata/keras_export", Options{})
	if err != nil || i.Problem != nil {
		t.Fatal(err, i.Problem)
	}
	if i.Head != HeadSoftmax || i.Classes != 4 || i.Parameters != 3*3*3*4+4+64*4+4 || i.Ops["Conv2D"] != 1 {
		t.Errorf("inspection %+v", i)
	}
	var path []string
	for _, use := range i.Path {
		path = append(path, use.Type)
	}
	if want := []string{"AddV2", "BiasAdd", "Conv2D", "MatMul", "MaxPool", "Mul", "Relu", "Reshape"}; !slices.Equal(path, want) {
		t.Errorf("path %v, want %v", path, want)
	}

	i, err = Inspect("testdata/reads_file", Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, i.Problem, "ReadFile")
	if len(i.Refused) != 2 || i.Refused[0].Op != "ReadFile" && i.Refused[1].Op != "ReadFile" {
		t.Errorf("refused %+v, want ReadFile and DecodeRaw", i.Refused)
	}
}
