package saliency

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
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
	of := map[string]map[string][]headReference{}
	for _, row := range rows {
		if of[row.Model] == nil {
			of[row.Model] = map[string][]headReference{}
		}
		of[row.Model][row.Explanation] = append(of[row.Model][row.Explanation], row)
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
			if len(of[want.Model]) < 2 {
				t.Fatal("no reference values")
			}
			compareCrossEntropy(t, m, of[want.Model]["simple_gradient"])
			for name, rows := range of[want.Model] {
				compareHead(t, m, explanations[name], rows)
			}
		})
	}
}

// compareCrossEntropy compares -log p_c.
func compareCrossEntropy(t *testing.T, m *savedmodels.Model, rows []headReference) {
	t.Helper()
	o, err := NewCrossEntropy(m, Settings{Batch: len(rows)})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	var b Batch
	for _, row := range rows {
		b.Pixels, b.Classes = append(b.Pixels, row.Pixels...), append(b.Classes, int32(row.Class))
	}
	got, err := o.Run(b)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		p := float64(row.Probabilities[row.Class])
		// float32 has no smaller ones.
		if d := math.Abs(float64(got.Value[i]) + math.Log(p)); p > 1e-37 && !(d < 1e-4*max(1, -math.Log(p))) {
			t.Errorf("image %d: cross-entropy %g, want %g", row.Image, got.Value[i], -math.Log(p))
		}
		if n := norm(got.Rows); math.IsNaN(n) || math.IsInf(n, 0) {
			t.Errorf("image %d: the cross-entropy's gradient has a norm of %g", row.Image, n)
		}
	}
}

// compareHead compares the images of one explanation.
func compareHead(t *testing.T, m *savedmodels.Model, e Explanation, rows []headReference) {
	t.Helper()
	settings := Settings{Batch: len(rows)}
	mapper, err := NewMapper(m, e, settings)
	if err != nil {
		t.Fatal(err)
	}
	defer mapper.Close()
	var clean, moved Batch
	for _, row := range rows {
		clean.Pixels, clean.Classes = append(clean.Pixels, row.Pixels...), append(clean.Classes, int32(row.Class))
		moved.Pixels, moved.Reference = append(moved.Pixels, row.Moved...), append(moved.Reference, row.Map...)
	}
	samples, _ := e.Noise()
	for k := range samples {
		for _, row := range rows {
			size := len(row.Pixels)
			clean.Noise = append(clean.Noise, row.Noise[k*size:(k+1)*size]...)
		}
	}
	moved.Classes, moved.Noise = clean.Classes, clean.Noise
	maps, err := mapper.Run(clean)
	if err != nil {
		t.Fatal(err)
	}
	places := len(rows[0].Map)
	for i, row := range rows {
		row.compareAnswer(t, m, maps.Prediction[i], maps.Probability[i])
		if d := relative(maps.Map[i*places:(i+1)*places], row.Map); !(d <= 1e-3) {
			t.Errorf("%s, image %d: map: relative difference %.2g", row.Explanation, row.Image, d)
		}
	}
	_, isSimple := e.(*SimpleGradient)
	constant := rows[0].ReLU && isSimple
	objective, err := NewDissimilarity(m, e, settings)
	if constant {
		if !errors.Is(err, ErrNoSecondOrder) || strings.Contains(err.Error(), "score: probability") {
			t.Errorf("error %v, want ErrNoSecondOrder with a cure that is one", err)
		}
		settings.Surrogate = &savedmodels.Softplus{Beta: 5}
		objective, err = NewDissimilarity(m, e, settings)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer objective.Close()
	got, err := objective.Run(moved)
	if err != nil {
		t.Fatal(err)
	}
	size := len(rows[0].Pixels)
	for i, row := range rows {
		gradient := got.Rows[i*size : (i+1)*size]
		if !constant {
			row.compareGradient(t, got.Value[i], gradient)
		} else if norm(gradient) == 0 {
			t.Error("the surrogate's gradient is zero")
		}
	}
}

// compareAnswer: the answers of a network of 16-bit floats are its own, rounded; its maps are those of its weights.
func (row headReference) compareAnswer(t *testing.T, m *savedmodels.Model, prediction int, probability float64) {
	t.Helper()
	tolerance := 1e-5
	if m.Half() {
		tolerance = 3e-2
	}
	largest := slices.Max(row.Probabilities)
	if p := row.Probabilities[prediction]; p < largest {
		t.Errorf("%s, image %d: prediction %d of probability %g, there is one of %g", row.Explanation, row.Image, prediction, p, largest)
	}
	if p := float64(row.Probabilities[row.Class]); math.Abs(probability-p) > tolerance {
		t.Errorf("%s, image %d: probability %g, want %g", row.Explanation, row.Image, probability, p)
	}
}

func (row headReference) compareGradient(t *testing.T, distance float32, gradient []float32) {
	t.Helper()
	if row.Distance < 1e-5 {
		// A mean over points all but one of which weigh next to nothing, and that one does not move.
		if !(distance < 1e-5) {
			t.Errorf("%s, image %d: distance %g, want %g", row.Explanation, row.Image, distance, row.Distance)
		}
		return
	}
	if d := math.Abs(float64(distance)-row.Distance) / row.Distance; !(d <= 1e-3) {
		t.Errorf("%s, image %d: distance %g, want %g", row.Explanation, row.Image, distance, row.Distance)
	}
	difference := make([]float32, len(gradient))
	for i := range difference {
		difference[i] = gradient[i] - row.Gradient[i]
	}
	// The gradient of a map that happens to be constant around the image is 0 but for rounding.
	if d := norm(difference) / max(norm(row.Gradient), 1e-5); !(d <= 1e-2) {
		t.Errorf("%s, image %d: second-order gradient: relative difference %.2g of %.2g", row.Explanation, row.Image, d, norm(row.Gradient))
	}
}

func norm(v []float32) float64 {
	total := 0.0
	for _, x := range v {
		total += float64(x) * float64(x)
	}
	return math.Sqrt(total)
}
