package saliency

import (
	"errors"
	"math"
	"strings"
	"testing"

	"upi/data/table"
	"upi/savedmodels"
	"upi/savedmodels/runtime"
)

func openModel(t *testing.T, name string) *savedmodels.Model {
	t.Helper()
	m, err := savedmodels.Open("../"+name, savedmodels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// digits returns the MNIST images of the reference file, and their classes.
func digits(t *testing.T) Batch {
	t.Helper()
	rows, err := table.ReadAll[reference]("testdata/reference.parquet")
	if err != nil {
		t.Fatal(err)
	}
	var b Batch
	for _, row := range rows {
		if row.Model == "mnist_cnn" && row.Explanation == "simple_gradient" {
			b.Pixels = append(b.Pixels, row.Pixels...)
			b.Classes = append(b.Classes, int32(row.Class))
		}
	}
	if len(b.Classes) != 2 {
		t.Fatalf("%d MNIST images in the reference file, want 2", len(b.Classes))
	}
	return b
}

// explain returns E itself and the scores S_c of the images, which no program fetches.
func explain(t *testing.T, m *savedmodels.Model, e Explanation, batch int, b Batch) (explanation, scores []float32) {
	t.Helper()
	n := newNetwork(m, e, nil, batch)
	built, err := e.build(n, n.pixels)
	if err != nil {
		t.Fatal(err)
	}
	f, err := n.evaluate(n.pixels, 1)
	if err != nil {
		t.Fatal(err)
	}
	score := n.score(f, e.Explains().Score)
	p, err := open(n, e, runtime.Device{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	count := len(b.Classes)
	wanted := []result{{built, n.shape.Size()}, {score, 1}}
	if n.peak.Op != nil {
		wanted = append(wanted, result{n.peak, 1})
	}
	values, err := p.run(p.feeds(b, count), count, wanted...)
	if err != nil {
		t.Fatal(err)
	}
	if n.peak.Op != nil {
		size := n.shape.Size()
		for i := range values[0] {
			values[0][i] *= float32(math.Exp(float64(values[2][i/size])))
		}
	}
	return values[0], values[1]
}

// TestHeads has probabilities that no softmax op makes, and logits, each opened as what it is and as what it is not: the images that
// are explained show it.
func TestHeads(t *testing.T) {
	for _, test := range []struct{ model, head, want string }{
		{"other_probabilities", savedmodels.HeadAuto, ""},
		{"other_probabilities", savedmodels.HeadSoftmax, ""},
		{"other_probabilities", savedmodels.HeadLogits, "say output.head: softmax"},
		{"nested", savedmodels.HeadAuto, ""},
		{"nested", savedmodels.HeadLogSoftmax, "says that it is logits"},
	} {
		t.Run(test.model+" as "+test.head, func(t *testing.T) {
			m, err := savedmodels.Open("../testdata/"+test.model, savedmodels.Options{Head: test.head})
			if err != nil {
				t.Fatal(err)
			}
			mapper, err := NewMapper(m, &SimpleGradient{}, Settings{Batch: 2})
			if err != nil {
				t.Fatal(err)
			}
			defer mapper.Close()
			shape := m.ImageShape()
			b := Batch{Pixels: make([]float32, 2*shape[0]*shape[1]*shape[2]), Classes: make([]int32, 2)}
			for i := range b.Pixels {
				b.Pixels[i] = float32(31 * i % 251)
			}
			_, err = mapper.Run(b)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// TestCompleteness: integrated gradients times x - baseline sum up to S(x) - S(baseline) as the steps grow (Sundararajan et al.
// 2017, proposition 1), whatever the batch size.
func TestCompleteness(t *testing.T) {
	m, b := openModel(t, "mnist_cnn"), digits(t)
	baseline := Batch{Pixels: make([]float32, len(b.Pixels)), Classes: b.Classes}
	for i := range baseline.Pixels {
		baseline.Pixels[i] = 20
	}
	for _, score := range []Score{Probability, Logit} {
		_, from := explain(t, m, &SimpleGradient{Answer{Score: score}}, 2, baseline)
		for _, batch := range []int{2, 5} {
			e := &IntegratedGradients{Answer: Answer{Score: score}, Steps: 300, Baseline: 20, MultiplyByInputs: true}
			explanation, to := explain(t, m, e, batch, b)
			size := len(explanation) / 2
			for i := range b.Classes {
				sum := 0.0
				for _, v := range explanation[i*size : (i+1)*size] {
					sum += float64(v)
				}
				if want := float64(to[i] - from[i]); math.Abs(sum-want) > 0.02*math.Abs(want) {
					t.Errorf("%v, batch %d, image %d: the explanation sums up to %g, S(x) - S(b) = %g", score, batch, i, sum, want)
				}
			}
		}
	}
}

// TestNoSecondOrder: the map of a network of ReLU and max-pooling at its logit is piecewise constant; either cure helps.
func TestNoSecondOrder(t *testing.T) {
	m := openModel(t, "mnist_cnn")
	atLogit := &SimpleGradient{Answer{Score: Logit}}
	if _, err := NewDissimilarity(m, atLogit, Settings{Batch: 2}); !errors.Is(err, ErrNoSecondOrder) {
		t.Errorf("at the logit: error %v, want ErrNoSecondOrder", err)
	}
	for name, c := range map[string]struct {
		e Explanation
		s Settings
	}{
		"probability": {&SimpleGradient{}, Settings{Batch: 2}},
		"surrogate":   {atLogit, Settings{Batch: 2, Surrogate: &savedmodels.Softplus{Beta: 30}}},
	} {
		o, err := NewDissimilarity(m, c.e, c.s)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		b := digits(t)
		b.Reference = make([]float32, 2*28*28)
		g, err := o.Run(b)
		if err != nil {
			t.Fatal(err)
		}
		largest := 0.0
		for _, v := range g.Rows {
			largest = max(largest, math.Abs(float64(v)))
		}
		if !(largest > 0) {
			t.Errorf("%s: the gradient is zero", name)
		}
		o.Close()
	}
}

// TestEqualMaps: where the maps are equal their distance has no derivative; the gradient is 0 and not NaN.
func TestEqualMaps(t *testing.T) {
	m, b := openModel(t, "mnist_cnn"), digits(t)
	mapper, err := NewMapper(m, &SimpleGradient{}, Settings{Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer mapper.Close()
	maps, err := mapper.Run(b)
	if err != nil {
		t.Fatal(err)
	}
	o, err := NewDissimilarity(m, &SimpleGradient{}, Settings{Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	b.Reference = maps.Map
	g, err := o.Run(b)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range g.Value {
		if math.Abs(float64(v)) > 1e-6 {
			t.Errorf("image %d: distance %g from its own map", i, v)
		}
	}
	for i, v := range g.Rows {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			t.Fatalf("gradient value %d is %v", i, v)
		}
	}
}

// TestRefusedBatches holds what would end the process inside TensorFlow, or give nonsense.
func TestRefusedBatches(t *testing.T) {
	m := openModel(t, "mnist_cnn")
	mapper, err := NewMapper(m, &SimpleGradient{}, Settings{Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer mapper.Close()
	for name, b := range map[string]Batch{
		"none":          {},
		"too many":      {Pixels: make([]float32, 3*784), Classes: make([]int32, 3)},
		"pixels short":  {Pixels: make([]float32, 783), Classes: make([]int32, 1)},
		"noise unasked": {Pixels: make([]float32, 784), Classes: make([]int32, 1), Noise: make([]float32, 784)},
		"baselines":     {Pixels: make([]float32, 784), Classes: make([]int32, 1), Baselines: make([]float32, 784), Along: make([]float32, 1)},
		"class high":    {Pixels: make([]float32, 784), Classes: []int32{10}},
		"class low":     {Pixels: make([]float32, 784), Classes: []int32{-1}},
	} {
		if _, err := mapper.Run(b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
