package test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"upi/savedmodels"
	"upi/savedmodels/saliency"
)

// TestRobustness moves each of the 1,000 shipped test images by 8 grey levels along the sign of the gradient of the cross-entropy, and
// compares how many are then classified right with what python/robustness.py recorded of the same images, up to a hundredth: few
// by the network that was trained as usual, many by the one that was trained on such images.
func TestRobustness(t *testing.T) {
	for name, bounds := range map[string][2]float64{"cifar10_vgg": {0, 0.35}, "cifar10_vgg_softplus": {0, 0.35}, "cifar10_vgg_adversarial": {0.35, 1}} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile("../savedmodels/" + name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var recorded struct {
				Robustness struct {
					Radius float32
					FGSM   struct{ Accuracy float64 }
				}
			}
			if err := json.Unmarshal(text, &recorded); err != nil {
				t.Fatal(err)
			}
			r := recorded.Robustness
			if r.Radius != 8 || !(r.FGSM.Accuracy > bounds[0] && r.FGSM.Accuracy < bounds[1]) {
				t.Errorf("recorded %+v, want a radius of 8 and an accuracy within %v", r, bounds)
			}
			m, err := savedmodels.Open("../savedmodels/"+name, savedmodels.Options{})
			if err != nil {
				t.Fatal(err)
			}
			loss, err := saliency.NewCrossEntropy(m, saliency.Settings{Batch: 100})
			if err != nil {
				t.Fatal(err)
			}
			defer loss.Close()
			right, all := classify(t, "../savedmodels/"+name, "../data/cifar10/test-*.parquet", func(b *saliency.Batch) {
				g, err := loss.Run(*b)
				if err != nil {
					t.Fatal(err)
				}
				for i, slope := range g.Rows {
					switch {
					case slope > 0:
						b.Pixels[i] = min(b.Pixels[i]+r.Radius, 255)
					case slope < 0:
						b.Pixels[i] = max(b.Pixels[i]-r.Radius, 0)
					}
				}
			})
			got := float64(right) / float64(all)
			if !(math.Abs(got-r.FGSM.Accuracy) <= 0.01) {
				t.Errorf("%d of %d attacked images right, %.3f; recorded %.3f", right, all, got, r.FGSM.Accuracy)
			}
		})
	}
}
