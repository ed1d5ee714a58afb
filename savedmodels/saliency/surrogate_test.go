package saliency

import (
	"math"
	"slices"
	"testing"

	"upi/savedmodels"
)

// TestFedBeta: a beta that is fed gives the values and gradients of the constant, on networks of ReLU and of ReLU6, whose surrogate is another
// below beta 6; and what iterates are compared by is the network's own value, to the bit, whatever beta is.
func TestFedBeta(t *testing.T) {
	for _, c := range []struct {
		network string
		betas   []float64
	}{
		{"mnist_cnn", []float64{0.7, 5, 30}},
		{"cifar10_mobilenetv2", []float64{3}},
		{"cifar10_mobilenetv2", []float64{8, 30}},
	} {
		m, err := savedmodels.Open("../"+c.network, savedmodels.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for name, build := range map[string]func(Settings) (*Objective, error){
			"dissimilarity": func(s Settings) (*Objective, error) { return NewDissimilarity(m, &SimpleGradient{}, s) },
			"cross-entropy": func(s Settings) (*Objective, error) { return NewCrossEntropy(m, s) },
		} {
			if name == "cross-entropy" && c.network != "mnist_cnn" {
				continue // one network will do
			}
			open := func(s *savedmodels.Softplus) *Objective {
				o, err := build(Settings{Batch: 3, Surrogate: s})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { o.Close() })
				return o
			}
			plain, fed := open(nil), open(&savedmodels.Softplus{Beta: c.betas[0], Fed: true})
			images := plain.drawn()
			own, err := plain.Evaluate(images)
			if err != nil {
				t.Fatal(err)
			}
			var before []float32
			for _, beta := range c.betas {
				constant := open(&savedmodels.Softplus{Beta: beta})
				images.Beta = float32(beta)
				want, got := run(t, constant, images), run(t, fed, images)
				if d := relative(got.Value, want.Value); !(d <= 1e-5) {
					t.Errorf("%s of %s, beta %g: values differ by %.2g", name, c.network, beta, d)
				}
				if d := relative(got.Rows, want.Rows); !(d <= 1e-4) {
					t.Errorf("%s of %s, beta %g: gradients differ by %.2g", name, c.network, beta, d)
				}
				if before != nil && relative(got.Rows, before) < 1e-3 {
					t.Errorf("%s of %s: the gradient does not depend on beta", name, c.network)
				}
				before = got.Rows
				for _, o := range []*Objective{constant, fed} {
					values, err := o.Evaluate(images)
					if err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(values, own) {
						t.Errorf("%s of %s, beta %g: compared by %v, the network itself gives %v", name, c.network, beta, values, own)
					}
				}
				if math.Abs(float64(want.Value[0]-own[0])) < 1e-9 {
					t.Errorf("%s of %s: the surrogate's value is the network's", name, c.network)
				}
			}
		}
	}
}
