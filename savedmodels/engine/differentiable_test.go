package engine

import (
	"testing"

	"upi/savedmodels"
)

// TestNeedsSurrogate: two classes behind ReLU, of one column or two, need a surrogate; ten classes and networks without ReLU do not. The
// networks are those of python/make_heads_testdata.py and of this repository.
func TestNeedsSurrogate(t *testing.T) {
	for dir, want := range map[string]bool{"../saliency/testdata/heads/relu_two_classes": true, "../saliency/testdata/heads/relu_one_sigmoid": true,
		"../saliency/testdata/heads/two_classes": false, "../mnist_mlp": false} {
		needs, err := NeedsSurrogate(dir, savedmodels.Options{}, 30)
		if err != nil || needs != want {
			t.Errorf("%s: %v, %v, want %v", dir, needs, err, want)
		}
	}
}
