package saliency

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"upi/data/table"
	"upi/savedmodels"
	"upi/setting"
)

// An insideReference is one image of testdata/inside.parquet, which python/make_inside_testdata.py computes op by op in float64.
type insideReference struct {
	Model     string    `parquet:"model"`
	Kind      string    `parquet:"kind"`
	Settings  string    `parquet:"settings"`
	Beta      float64   `parquet:"beta"`
	Class     int64     `parquet:"class"`
	Pixels    []float32 `parquet:"pixels"`
	Moved     []float32 `parquet:"moved"`
	Baselines []float32 `parquet:"baselines"`
	Along     []float32 `parquet:"along"`
	Map       []float32 `parquet:"map"`
	Distance  float64   `parquet:"distance"`
	Gradient  []float32 `parquet:"gradient"`
}

// TestInsideInFloat64 compares maps, distances and gradients of second order with those in float64. The batch is larger than the number
// of images, so that padding is in the way.
func TestInsideInFloat64(t *testing.T) {
	rows, err := table.ReadAll[insideReference]("testdata/inside.parquet")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, row := range rows {
		kinds[row.Kind]++
		t.Run(strings.Join([]string{row.Model, row.Kind, row.Settings}, "/"), func(t *testing.T) { compareInside(t, row) })
	}
	for _, kind := range []string{"grad_cam", "guided_backprop", "expected_gradients"} {
		if kinds[kind] < 10 {
			t.Errorf("%d rows of %s", kinds[kind], kind)
		}
	}
}

func compareInside(t *testing.T, row insideReference) {
	dir := filepath.Join("..", row.Model)
	if strings.HasPrefix(row.Model, "inside/") {
		dir = filepath.Join("testdata", row.Model)
	}
	m, err := savedmodels.Open(dir, savedmodels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewExplanation(setting.Item{Kind: row.Kind, Settings: []byte(row.Settings)})
	if err != nil {
		t.Fatal(err)
	}
	s := Settings{Batch: 3}
	if row.Beta > 0 {
		s.Surrogate = &savedmodels.Softplus{Beta: row.Beta}
	}
	mapper, err := NewMapper(m, e, s)
	if err != nil {
		t.Fatal(err)
	}
	defer mapper.Close()
	clean := Batch{Pixels: row.Pixels, Classes: []int32{int32(row.Class)}, Baselines: row.Baselines, Along: row.Along}
	maps, err := mapper.Run(clean)
	if err != nil {
		t.Fatal(err)
	}
	if d := relative(maps.Map, row.Map); !(d < 1e-4) {
		t.Errorf("map: relative difference %.2g", d)
	}
	objective, err := NewDissimilarity(m, e, s)
	if err != nil {
		t.Fatal(err)
	}
	defer objective.Close()
	moved := clean
	moved.Pixels, moved.Reference = row.Moved, row.Map
	got, err := objective.Run(moved)
	if err != nil {
		t.Fatal(err)
	}
	if d := math.Abs(float64(got.Value[0])-row.Distance) / row.Distance; !(d < 1e-4) {
		t.Errorf("distance %g, want %g", got.Value[0], row.Distance)
	}
	if c := cosine(got.Rows, row.Gradient); !(c > 0.9999) {
		t.Errorf("second-order gradient: cosine %.6f", c)
	}
	if d := relative(got.Rows, row.Gradient); !(d < 1e-2) {
		t.Errorf("second-order gradient: relative difference %.2g", d)
	}
}

// TestInsideRefuses: what an explanation is not defined for, it says.
func TestInsideRefuses(t *testing.T) {
	for _, test := range []struct {
		dir  string
		e    Particular
		want string
	}{
		{"../mnist_mlp", &GradCAM{}, "mnist_mlp: the network has no convolution whose result has more than one place"},
		{"../cifar10_vit", &GradCAM{}, "cifar10_vit: the network has attention"},
		{"../cifar10_vit", &GuidedBackprop{}, "no Relu, Relu6 or LeakyRelu"},
		{"../cifar10_vgg", &GradCAM{Layer: "conv"}, `no layer of [B,H,W,C] is called "conv"`},
		{"testdata/inside/side_by_side", &GradCAM{}, "ways around its last convolution"},
		{"testdata/inside/smooth", &GuidedBackprop{}, "no Relu, Relu6 or LeakyRelu"},
		{"testdata/inside/overlapping", &GradCAM{Layer: "dense/logits"}, `no layer of [B,H,W,C] is called "dense/logits"`},
		{"testdata/inside/smooth", &GradCAM{}, ""},
		{"testdata/inside/side_by_side", &GradCAM{Layer: "right"}, ""},
		{"../cifar10_vgg", &GuidedBackprop{}, ""},
	} {
		m, err := savedmodels.Open(test.dir, savedmodels.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, building := NewMapper(m, test.e, Settings{Batch: 2})
		for _, err := range []error{test.e.Fits(m), building} {
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%s, %+v: error %v, want %q", test.dir, test.e, err, test.want)
			}
		}
	}
}
