package test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upi/data"
	"upi/savedmodels"
	"upi/savedmodels/saliency"
)

// TestAccuracy runs each shipped network on the 2,000 shipped test images of its data set: the share that it classifies right has to
// be the one that was recorded when it was trained, up to three standard errors.
func TestAccuracy(t *testing.T) {
	records, err := filepath.Glob("../savedmodels/*.json")
	if err != nil || len(records) == 0 {
		t.Fatalf("no records of accuracy: %v", err)
	}
	for _, record := range records {
		name := strings.TrimSuffix(filepath.Base(record), ".json")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(record)
			if err != nil {
				t.Fatal(err)
			}
			var recorded struct {
				Accuracy float64 `json:"test_accuracy"`
				Radius   float64 `json:"adversarial_radius"`
			}
			if err := json.Unmarshal(text, &recorded); err != nil {
				t.Fatal(err)
			}
			dataset, _, _ := strings.Cut(name, "_")
			least := map[string]float64{"mnist": 0.97, "cifar10": 0.8}[dataset]
			if recorded.Radius > 0 {
				least = 0.55 // what resists is right less often
			}
			if recorded.Accuracy < least {
				t.Errorf("recorded accuracy %.4f, a shipped network has at least %.2f", recorded.Accuracy, least)
			}
			right, all := classify(t, "../savedmodels/"+name, "../data/"+dataset+"/*.parquet", nil)
			if all != 2000 {
				t.Fatalf("%d images, want 2000", all)
			}
			got := float64(right) / float64(all)
			if spread := 3 * math.Sqrt(recorded.Accuracy*(1-recorded.Accuracy)/float64(all)); math.Abs(got-recorded.Accuracy) > spread {
				t.Errorf("%d of %d images right, %.4f; recorded %.4f", right, all, got, recorded.Accuracy)
			}
		})
	}
}

// classify counts the images that a model classifies right, after an attack on them, if there is one.
func classify(t *testing.T, dir, pattern string, attack func(b *saliency.Batch)) (right, all int) {
	t.Helper()
	m, err := savedmodels.Open(dir, savedmodels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const batch = 100
	mapper, err := saliency.NewMapper(m, &saliency.SimpleGradient{}, saliency.Settings{Batch: batch})
	if err != nil {
		t.Fatal(err)
	}
	defer mapper.Close()
	d, err := data.Open(pattern, 0)
	if err != nil {
		t.Fatal(err)
	}
	var b saliency.Batch
	flush := func() {
		if len(b.Classes) == 0 {
			return
		}
		if attack != nil {
			attack(&b)
		}
		maps, err := mapper.Run(b)
		if err != nil {
			t.Fatal(err)
		}
		for i, label := range b.Classes {
			logits := maps.Logits[i*m.Classes() : (i+1)*m.Classes()]
			best := 0
			for k, z := range logits {
				if z > logits[best] {
					best = k
				}
			}
			if best == int(label) {
				right++
			}
			all++
		}
		b = saliency.Batch{}
	}
	for _, shard := range d.Shards() {
		r, err := shard.Read(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for {
			image, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range image.Pixels {
				b.Pixels = append(b.Pixels, float32(v))
			}
			b.Classes = append(b.Classes, int32(image.Label))
			if len(b.Classes) == batch {
				flush()
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	flush()
	return right, all
}
