package savedmodels

import (
	"math"
	"testing"
)

// TestHead reads rows of logits; the numbers are scipy's softmax and expit.
func TestHead(t *testing.T) {
	inf := float32(math.Inf(1))
	for name, test := range map[string]struct {
		head          Head
		row           []float32
		prediction    int
		probabilities []float64
	}{
		"softmax":      {Head{HeadSoftmax, 3, 3}, []float32{1, 3, 2}, 1, []float64{0.09003057, 0.66524096, 0.24472847}},
		"large":        {Head{HeadLogits, 3, 3}, []float32{1001, 1003, 1002}, 1, []float64{0.09003057, 0.66524096, 0.24472847}},
		"masked":       {Head{HeadLogits, 3, 3}, []float32{1, -inf, 2}, 2, []float64{0.26894142, 0, 0.73105858}},
		"more summed":  {Head{HeadSoftmax, 2, 3}, []float32{1, 2, 3}, 1, []float64{0.09003057, 0.24472847}},
		"sigmoid":      {Head{HeadSigmoid, 3, 3}, []float32{-2, 0, 3}, 2, []float64{0.11920292, 0.5, 0.95257413}},
		"off":          {Head{HeadSigmoid, 2, 2}, []float32{-inf, -2}, 1, []float64{0, 0.11920292}},
		"binary":       {Head{HeadBinary, 2, 2}, []float32{0, -2}, 0, []float64{0.88079708, 0.11920292}},
		"first of two": {Head{HeadLogits, 2, 2}, []float32{1, 1}, 0, []float64{0.5, 0.5}},
	} {
		if got := test.head.Predict(test.row); got != test.prediction {
			t.Errorf("%s: prediction %d, want %d", name, got, test.prediction)
		}
		for c, want := range test.probabilities {
			if got := test.head.Probability(test.row, c); !(math.Abs(got-want) < 1e-7) {
				t.Errorf("%s: p_%d is %g, want %g", name, c, got, want)
			}
		}
	}
}
