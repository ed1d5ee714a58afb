package saliency

import (
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"upi/data/table"
	"upi/savedmodels"
)

// A headModel is one network of testdata/heads, and what must be found out of it.
type headModel struct {
	Model    string `parquet:"model"`
	Kind     string `parquet:"kind"`
	Declared string `parquet:"declared"`
	Name     string `parquet:"name"`
	Error    string `parquet:"error"`
	Classes  int64  `parquet:"classes"`
}

// A headReference is what TensorFlow makes of such a network in float64: python/make_heads_testdata.py.
type headReference struct {
	Model         string    `parquet:"model"`
	Explanation   string    `parquet:"explanation"`
	Image         int64     `parquet:"image"`
	Class         int64     `parquet:"class"`
	ReLU          bool      `parquet:"relu"`
	Pixels        []float32 `parquet:"pixels"`
	Moved         []float32 `parquet:"moved"`
	Noise         []float32 `parquet:"noise"`
	Probabilities []float32 `parquet:"probabilities"`
	Map           []float32 `parquet:"map"`
	Gradient      []float32 `parquet:"gradient"`
	Distance      float64   `parquet:"distance"`
}

// TestHeadsInFloat64 compares probabilities, maps and gradients of networks of every kind of head with those of their outputs as they
// are, in float64.
func TestHeadsInFloat64(t *testing.T) {
	models, err := table.ReadAll[headModel]("testdata/heads_models.parquet")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := table.ReadAll[headReference]("testdata/heads.parquet")
	if err != nil {
		t.Fatal(err)
	}
	of := map[string][]headReference{}
	for _, row := range rows {
		of[row.Model] = append(of[row.Model], row)
	}
	for _, want := range models {
		t.Run(want.Model, func(t *testing.T) {
			m, err := savedmodels.Open(filepath.Join("testdata", "heads", want.Model), savedmodels.Options{Head: want.Declared, Output: want.Name})
			if want.Error != "" {
				if err == nil || !strings.Contains(err.Error(), want.Error) {
					t.Errorf("error %v, want %q", err, want.Error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Head(); got.Kind != want.Kind || got.Classes != int(want.Classes) {
				t.Errorf("head %+v, want %s of %d classes", got, want.Kind, want.Classes)
			}
			if len(of[want.Model]) == 0 {
				t.Fatal("no reference values")
			}
			for _, row := range of[want.Model] {
				row.compare(t, m)
			}
		})
	}
}

func (row headReference) compare(t *testing.T, m *savedmodels.Model) {
	t.Helper()
	e := explanations[row.Explanation]
	mapper, err := NewMapper(m, e, Settings{Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer mapper.Close()
	clean := Batch{Pixels: row.Pixels, Classes: []int32{int32(row.Class)}, Noise: row.Noise}
	maps, err := mapper.Run(clean)
	if err != nil {
		t.Fatal(err)
	}
	// The answers of a network of 16-bit floats are its own; its maps are those of its weights.
	tolerance := 1e-5
	if m.Half() {
		tolerance = 3e-2
	}
	best := 0
	for c, p := range row.Probabilities {
		if p > row.Probabilities[best] {
			best = c
		}
	}
	if maps.Prediction[0] != best {
		t.Errorf("%s, image %d: prediction %d, want %d", row.Explanation, row.Image, maps.Prediction[0], best)
	}
	if p := float64(row.Probabilities[row.Class]); math.Abs(maps.Probability[0]-p) > tolerance {
		t.Errorf("%s, image %d: probability %g, want %g", row.Explanation, row.Image, maps.Probability[0], p)
	}
	if d := relative(maps.Map, row.Map); !(d <= 1e-3) {
		t.Errorf("%s, image %d: map: relative difference %.2g", row.Explanation, row.Image, d)
	}
	objective, err := NewDissimilarity(m, e, Settings{Batch: 2})
	if row.ReLU && row.Explanation == "simple_gradient" {
		if !errors.Is(err, ErrNoSecondOrder) || strings.Contains(err.Error(), "score: probability") {
			t.Errorf("error %v, want ErrNoSecondOrder with a cure that is one", err)
		}
		objective, err = NewDissimilarity(m, e, Settings{Batch: 2, Surrogate: &savedmodels.Softplus{Beta: 5}})
	}
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
	if row.ReLU && row.Explanation == "simple_gradient" {
		if norm(got.Rows) == 0 {
			t.Error("the surrogate's gradient is zero")
		}
		return
	}
	if row.Distance < 1e-5 {
		// A mean over points all but one of which weigh next to nothing, and that one does not move.
		if !(got.Value[0] < 1e-5) {
			t.Errorf("%s, image %d: distance %g, want %g", row.Explanation, row.Image, got.Value[0], row.Distance)
		}
		return
	}
	if d := math.Abs(float64(got.Value[0])-row.Distance) / row.Distance; !(d <= 1e-3) {
		t.Errorf("%s, image %d: distance %g, want %g", row.Explanation, row.Image, got.Value[0], row.Distance)
	}
	if d := relative(got.Rows, row.Gradient); !(d <= 1e-2) {
		t.Errorf("%s, image %d: second-order gradient: relative difference %.2g", row.Explanation, row.Image, d)
	}
}

func norm(v []float32) float64 {
	total := 0.0
	for _, x := range v {
		total += float64(x) * float64(x)
	}
	return math.Sqrt(total)
}
