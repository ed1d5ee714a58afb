package saliency

import (
	"math"
	"path/filepath"
	"testing"

	"upi/data/table"
	"upi/savedmodels"
)

// A reference is one image of testdata/reference.parquet, which python/reference_saliency.py computes with TensorFlow's nested
// GradientTape.
type reference struct {
	Model       string    `parquet:"model"`
	Explanation string    `parquet:"explanation"`
	Image       int64     `parquet:"image"`
	Class       int64     `parquet:"class"`
	Pixels      []float32 `parquet:"pixels"`
	Moved       []float32 `parquet:"moved"`
	Noise       []float32 `parquet:"noise"`
	Map         []float32 `parquet:"map"`
	Distance    float64   `parquet:"distance"`
	Gradient    []float32 `parquet:"gradient"`
}

var explanations = map[string]Explanation{
	"simple_gradient":      &SimpleGradient{},
	"integrated_gradients": &IntegratedGradients{Steps: 5},
	"smooth_gradient":      &SmoothGradient{Samples: 3, Sigma: 20},
	"input_x_gradient":     &InputXGradient{},
}

// TestNestedTape compares maps, distances and gradients of second order with Python's. The batch is larger than the number of
// images, so that padding is in the way.
func TestNestedTape(t *testing.T) {
	rows, err := table.ReadAll[reference]("testdata/reference.parquet")
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2*4*2 {
		t.Fatalf("%d reference rows, want 2 models x 4 explanations x 2 images", len(rows))
	}
	for _, row := range rows {
		t.Run(row.Model+"/"+row.Explanation, func(t *testing.T) {
			m, err := savedmodels.Open(filepath.Join("..", row.Model), savedmodels.Options{})
			if err != nil {
				t.Fatal(err)
			}
			e := explanations[row.Explanation]
			mapper, err := NewMapper(m, e, Settings{Batch: 3})
			if err != nil {
				t.Fatal(err)
			}
			defer mapper.Close()
			clean := Batch{Pixels: row.Pixels, Classes: []int32{int32(row.Class)}, Noise: row.Noise}
			maps, err := mapper.Run(clean)
			if err != nil {
				t.Fatal(err)
			}
			if d := relative(maps.Map, row.Map); d > 1e-4 {
				t.Errorf("map: relative difference %.2g", d)
			}
			objective, err := NewDissimilarity(m, e, Settings{Batch: 3})
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
			if d := math.Abs(float64(got.Value[0])-row.Distance) / row.Distance; d > 1e-4 {
				t.Errorf("distance %g, want %g", got.Value[0], row.Distance)
			}
			if c := cosine(got.Rows, row.Gradient); c < 0.9999 {
				t.Errorf("second-order gradient: cosine %.6f", c)
			}
			if d := relative(got.Rows, row.Gradient); d > 1e-2 {
				t.Errorf("second-order gradient: relative difference %.2g", d)
			}
		})
	}
}

func relative(got, want []float32) float64 {
	var difference, norm float64
	for i := range want {
		difference += math.Pow(float64(got[i])-float64(want[i]), 2)
		norm += math.Pow(float64(want[i]), 2)
	}
	return math.Sqrt(difference / norm)
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return ab / math.Sqrt(aa*bb)
}
