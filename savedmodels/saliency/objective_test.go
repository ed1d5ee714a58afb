package saliency

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"upi/data/table"
	"upi/savedmodels"
	"upi/savedmodels/runtime"
)

// An objectiveReference is what TensorFlow makes of an objective in float64: python/reference_objectives.py.
type objectiveReference struct {
	Model       string    `parquet:"model"`
	Explanation string    `parquet:"explanation"`
	Function    string    `parquet:"function"`
	Keep        bool      `parquet:"keep"`
	Beta        float64   `parquet:"beta"`
	Weight      float64   `parquet:"weight"`
	Margin      float64   `parquet:"margin"`
	Lead        float64   `parquet:"lead"`
	Value       float64   `parquet:"value"`
	Image       int64     `parquet:"image"`
	Class       int64     `parquet:"class"`
	Answer      int64     `parquet:"answer"`
	Pixels      []float32 `parquet:"pixels"`
	Moved       []float32 `parquet:"moved"`
	Clean       []float32 `parquet:"clean"`
	Reference   []float32 `parquet:"reference"`
	Gradient    []float32 `parquet:"gradient"`
}

// TestObjectivesInFloat64 compares the values of all functions of maps and their gradients, with the hinge on predictions and without,
// through ReLU and through the surrogate, on heads of every kind. The batch is larger than the number of images.
func TestObjectivesInFloat64(t *testing.T) {
	rows, err := table.ReadAll[objectiveReference]("testdata/objectives.parquet")
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string][]objectiveReference{}
	seen := map[Function]bool{}
	for _, row := range rows {
		name := fmt.Sprintf("%s/%s/%s/%v", row.Model, row.Explanation, row.Function, row.Keep)
		programs[name] = append(programs[name], row)
		seen[Function(row.Function)] = true
	}
	for _, f := range Functions() {
		if !seen[f] {
			t.Errorf("there are no reference values of %s", f)
		}
	}
	for name, rows := range programs {
		t.Run(name, func(t *testing.T) {
			first := rows[0]
			m, err := savedmodels.Open(filepath.Join("testdata", "heads", first.Model), savedmodels.Options{})
			if err != nil {
				t.Fatal(err)
			}
			settings := Settings{Batch: len(rows) + 2}
			if first.Beta > 0 {
				settings.Surrogate = &savedmodels.Softplus{Beta: first.Beta}
			}
			o, err := NewObjective(m, explanations[first.Explanation], Function(first.Function), first.Keep, settings)
			if err != nil {
				t.Fatal(err)
			}
			defer o.Close()
			var b Batch
			if first.Keep {
				b.Keep = &Keep{Weight: float32(first.Weight), Margin: float32(first.Margin)}
			}
			for _, row := range rows {
				b.Pixels, b.Classes = append(b.Pixels, row.Moved...), append(b.Classes, int32(row.Class))
				b.Reference = append(b.Reference, row.Reference...)
				if first.Keep {
					b.Keep.Classes = append(b.Keep.Classes, int32(row.Answer))
				}
			}
			got, err := o.Run(b)
			if err != nil {
				t.Fatal(err)
			}
			values, err := o.Evaluate(b)
			if err != nil {
				t.Fatal(err)
			}
			size := len(first.Moved)
			compared := values
			if first.Beta > 0 {
				// What iterates are compared by is the network's own value.
				values = got.Value
				if first.Function == string(Dissimilarity) && !first.Keep {
					compareWithMaps(t, m, explanations[first.Explanation], b, compared)
				}
			}
			for i, row := range rows {
				for _, v := range []float32{got.Value[i], values[i]} {
					if d := math.Abs(float64(v) - row.Value); !(d <= 1e-4*max(1, math.Abs(row.Value))) {
						t.Errorf("image %d: %g, want %g", row.Image, v, row.Value)
					}
				}
				gradient := got.Rows[i*size : (i+1)*size]
				difference := make([]float32, size)
				for j := range difference {
					difference[j] = gradient[j] - row.Gradient[j]
				}
				if d := norm(difference) / max(norm(row.Gradient), 1e-5); !(d <= 1e-2) {
					t.Errorf("image %d: gradient: relative difference %.2g of %.2g", row.Image, d, norm(row.Gradient))
				}
			}
		})
	}
}

// compareWithMaps: the values are the distances of the network's own maps from those of the batch.
func compareWithMaps(t *testing.T, m *savedmodels.Model, e Explanation, b Batch, values []float32) {
	t.Helper()
	mapper, err := NewMapper(m, e, Settings{Batch: len(values)})
	if err != nil {
		t.Fatal(err)
	}
	defer mapper.Close()
	maps, err := mapper.Run(Batch{Pixels: b.Pixels, Classes: b.Classes, Noise: b.Noise})
	if err != nil {
		t.Fatal(err)
	}
	pixels := len(b.Reference) / len(values)
	for i, v := range values {
		apart := 0.0
		for j := i * pixels; j < (i+1)*pixels; j++ {
			apart += math.Pow(float64(maps.Map[j])-float64(b.Reference[j]), 2)
		}
		if want := math.Sqrt(apart); !(math.Abs(float64(v)-want) <= 1e-5) {
			t.Errorf("image %d is compared by %g, its map is %g away", i, v, want)
		}
	}
}

// TestHingeCoversNothingUp: a map without a derivative is an error, though the margin of the prediction has one.
func TestHingeCoversNothingUp(t *testing.T) {
	m := openModel(t, "mnist_cnn")
	for _, f := range Functions() {
		if _, err := NewObjective(m, &SimpleGradient{Answer{Score: Logit}}, f, true, Settings{Batch: 2}); !errors.Is(err, ErrNoSecondOrder) {
			t.Errorf("%s: error %v, want ErrNoSecondOrder", f, err)
		}
	}
}

// TestKeepIsChecked: an objective takes the predictions to keep if and only if it was built for that.
func TestKeepIsChecked(t *testing.T) {
	m, b := openModel(t, "mnist_mlp"), digits(t)
	b.Reference = make([]float32, 2*28*28)
	for _, c := range []struct {
		built bool
		keep  *Keep
		good  bool
	}{
		{false, nil, true}, {false, &Keep{Classes: []int32{1, 2}}, false}, {true, nil, false},
		{true, &Keep{Classes: []int32{1}}, false}, {true, &Keep{Classes: []int32{1, 10}}, false}, {true, &Keep{Classes: []int32{1, -1}}, false},
		{true, &Keep{Classes: []int32{1, 9}}, true},
	} {
		o, err := NewObjective(m, &SimpleGradient{}, Region, c.built, Settings{Batch: 2})
		if err != nil {
			t.Fatal(err)
		}
		b.Keep = c.keep
		if _, err := o.Run(b); (err == nil) != c.good {
			t.Errorf("built to keep: %v, %+v: error %v", c.built, c.keep, err)
		}
		o.Close()
	}
	if _, err := NewObjective(m, &SimpleGradient{}, "middle", false, Settings{Batch: 2}); err == nil {
		t.Error("there is no function middle")
	}
}

// TestObjectivesReduced: each objective's gradients can be computed in bfloat16, with the hinge too, and are in about the direction of
// float32's; what it evaluates is float32's to the bit.
func TestObjectivesReduced(t *testing.T) {
	if _, err := runtime.Bfloat16Units(runtime.Device{}); err != nil {
		t.Skip(err)
	}
	m := openModel(t, "mnist_cnn")
	for _, f := range Functions() {
		build := func(p runtime.Precision) *Objective {
			o, err := NewObjective(m, &SimpleGradient{}, f, true, Settings{Batch: 4, Surrogate: &savedmodels.Softplus{Beta: 30}, Precision: p})
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
		exact, less := build(runtime.Float32), build(runtime.Bfloat16)
		if acts, err := less.Reduced(); err != nil || !acts {
			t.Errorf("%s: reduced: %v, %v", f, acts, err)
		}
		images := less.drawn()
		if cosine := cosineOf(run(t, exact, images).Rows, run(t, less, images).Rows); !(cosine > 0.5) {
			t.Errorf("%s: the cosine of the gradients is %.3f", f, cosine)
		}
		sameValues(t, string(f), exact, less, images)
		exact.Close()
		less.Close()
	}
}
