package saliency

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"upi/savedmodels"
	"upi/savedmodels/runtime"
)

// TestReducedPrecision: in every kind of network (convolutions, matrix products, depthwise convolutions, attention, the surrogate) the
// gradients of an objective in bfloat16 are other numbers than those in float32, in about their direction, while what it evaluates is
// float32's to the bit.
func TestReducedPrecision(t *testing.T) {
	if _, err := runtime.Bfloat16Units(runtime.Device{}); err != nil {
		t.Skip(err)
	}
	for _, c := range []struct {
		name      string
		surrogate *savedmodels.Softplus
		entropy   bool
		e         Explanation
	}{
		{"mnist_cnn", nil, false, &SimpleGradient{}},
		{"mnist_cnn", &savedmodels.Softplus{Beta: 30}, false, &SimpleGradient{}},
		{"mnist_cnn", nil, true, nil},
		{"mnist_mlp", nil, false, &SimpleGradient{}},
		{"cifar10_vgg", nil, false, &SimpleGradient{}},
		{"cifar10_resnet20", nil, false, &SimpleGradient{}},
		{"cifar10_mobilenetv2", nil, false, &SimpleGradient{}},
		{"cifar10_vit", nil, false, &SimpleGradient{}},
		{"mnist_cnn", &savedmodels.Softplus{Beta: 30}, false, &GradCAM{}},
		{"mnist_cnn", &savedmodels.Softplus{Beta: 30}, false, &GuidedBackprop{}},
		{"mnist_cnn", &savedmodels.Softplus{Beta: 30}, false, &ExpectedGradients{Samples: 3, MultiplyByInputs: true}},
	} {
		name := fmt.Sprintf("%s, %T", c.name, c.e)
		if c.surrogate != nil {
			name += ", softplus"
		}
		m, err := savedmodels.Open("../"+c.name, savedmodels.Options{})
		if err != nil {
			t.Fatal(err)
		}
		build := func(p runtime.Precision) *Objective {
			s := Settings{Batch: 4, Surrogate: c.surrogate, Precision: p}
			var o *Objective
			var err error
			if c.entropy {
				name += ", cross-entropy"
				o, err = NewCrossEntropy(m, s)
			} else {
				o, err = NewDissimilarity(m, c.e, s)
			}
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
		exact, less := build(runtime.Float32), build(runtime.Bfloat16)
		if acts, err := less.Reduced(); err != nil || !acts {
			t.Errorf("%s: reduced: %v, %v", name, acts, err)
		}
		if acts, err := exact.Reduced(); err != nil || acts {
			t.Errorf("%s in float32: reduced: %v, %v", name, acts, err)
		}
		images := less.drawn()
		a, b := run(t, exact, images), run(t, less, images)
		if slices.Equal(a.Rows, b.Rows) {
			t.Errorf("%s: the gradients are float32's", name)
		}
		if cosine := cosineOf(a.Rows, b.Rows); !(cosine > 0.1) {
			t.Errorf("%s: the cosine of the gradients is %.3f", name, cosine)
		}
		sameValues(t, name, exact, less, images)
		t.Logf("%s: cosine %.3f", name, cosineOf(a.Rows, b.Rows))
		exact.Close()
		less.Close()
	}
}

// sameValues compares the values of objectives whose gradients differ in their precision: those are float32's of both.
func sameValues(t *testing.T, name string, exact, less *Objective, images Batch) {
	t.Helper()
	values, err := less.Evaluate(images)
	if err != nil {
		t.Fatal(err)
	}
	want, err := exact.Evaluate(images)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(values, want) {
		t.Errorf("%s: %v is evaluated, %v in float32", name, values, want)
	}
}

func run(t *testing.T, o *Objective, b Batch) Gradients {
	t.Helper()
	g, err := o.Run(b)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func cosineOf(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

// TestNothingReduced has a second session that computes in float32, as TensorFlow's does where it rewrites nothing.
func TestNothingReduced(t *testing.T) {
	m, err := savedmodels.Open("../mnist_mlp", savedmodels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o, err := NewDissimilarity(m, &SimpleGradient{}, Settings{Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { o.Close() }()
	if o.gradients, err = o.network.open(runtime.Float32, runtime.Device{}); err != nil {
		t.Fatal(err)
	}
	if acts, err := o.Reduced(); err != nil || acts {
		t.Errorf("reduced: %v, %v", acts, err)
	}
}
