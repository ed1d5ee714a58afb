package test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"testing"

	"upi/data"
)

// TestInvariance: neither the number of workers, nor how the images lie in shards, nor the memory, and with it the size of the
// batches, changes a bit of a perturbation or a score in deterministic mode. Otherwise batches of different sizes round
// differently in the last bit of a float32; an ascent makes more of that, where a ReLU flips.
func TestInvariance(t *testing.T) {
	layout := relaid(t)
	for _, mode := range []struct {
		name, flag string
		// A memory that is little.
		memory string
		// The largest difference of a perturbation, relative to its largest value, and of a metric.
		perturbation, metric float64
	}{
		{"deterministic", "deterministic=true", "memory=640MiB", 0, 0},
		{"fast", "deterministic=false", "memory=540MiB", 1e-4, 1e-3},
	} {
		t.Run(mode.name, func(t *testing.T) {
			want := newRun(t, "small.yaml", "--set", mode.flag, "--workers", "1").done(t)
			for _, c := range []struct {
				name  string
				flags []string
			}{
				{"workers", []string{"--workers", "2"}},
				{"shards", append([]string{"--workers", "1"}, layout...)},
				{"memory", []string{"--workers", "1", "--set", mode.memory}},
			} {
				t.Run(c.name, func(t *testing.T) {
					got := newRun(t, "small.yaml", append([]string{"--set", mode.flag}, c.flags...)...).done(t)
					same(t, got, want, mode.perturbation, mode.metric)
				})
			}
		})
	}
}

// same compares two runs. Perturbations are compared relative to their largest value.
func same(t *testing.T, got, want run, perturbation, metric float64) {
	t.Helper()
	a, b := got.perturbations(t), want.perturbations(t)
	if len(a) != len(b) {
		t.Fatalf("%d perturbations, want %d", len(a), len(b))
	}
	apart := 0.0
	for i := range b {
		if a[i].ID != b[i].ID || a[i].Sign != b[i].Sign {
			t.Fatalf("perturbation %s of sign %d, want %s of %d", a[i].ID, a[i].Sign, b[i].ID, b[i].Sign)
		}
		d := distance(a[i].Delta, b[i].Delta)
		if !(d <= perturbation) {
			t.Errorf("%s: the perturbations are %.3g apart", b[i].ID, d)
		}
		apart = max(apart, d)
	}
	t.Logf("perturbations at most %.2g apart", apart)
	x, y := got.scores(t), want.scores(t)
	if len(x) != len(y) {
		t.Fatalf("%d scores, want %d", len(x), len(y))
	}
	apart = 0
	for i := range y {
		if x[i].Perturbation != y[i].Perturbation || x[i].ImageID != y[i].ImageID {
			t.Fatalf("score of %s, image %d, want %s, image %d", x[i].Perturbation, x[i].ImageID, y[i].Perturbation, y[i].ImageID)
		}
		if len(x[i].Metrics) != len(y[i].Metrics) {
			t.Fatalf("%s, image %d: metrics %v, want %v", y[i].Perturbation, y[i].ImageID, x[i].Metrics, y[i].Metrics)
		}
		for m, value := range y[i].Metrics {
			if math.IsNaN(value) && math.IsNaN(x[i].Metrics[m]) {
				continue
			}
			d := math.Abs(x[i].Metrics[m] - value)
			if !(d <= metric) {
				t.Fatalf("%s, image %d: metric %d is %v, want %v", y[i].Perturbation, y[i].ImageID, m, x[i].Metrics[m], value)
			}
			apart = max(apart, d)
		}
	}
	t.Logf("metrics at most %.2g apart", apart)
}

// distance returns the largest difference over the largest value of b.
func distance(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	apart, largest := 0.0, 0.0
	for i := range b {
		apart = max(apart, math.Abs(float64(a[i])-float64(b[i])))
		largest = max(largest, math.Abs(float64(b[i])))
	}
	if apart == 0 {
		return 0
	}
	return apart / largest
}

// relaid writes the images of small.yaml into shards of other sizes, and returns the settings that name them.
func relaid(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	var flags []string
	for split, size := range map[string]int{"fit": 37, "test": 11} {
		d, err := data.Open(filepath.Join(root, "data", "mnist", split+"-*.parquet"), 100)
		if err != nil {
			t.Fatal(err)
		}
		for number, rows := range chunks(t, d, size) {
			path := filepath.Join(dir, fmt.Sprintf("%s-%03d.parquet", split, number))
			w, err := data.Create(path, data.Schema{Shape: d.Shape(), ClassNames: d.ClassNames()})
			if err != nil {
				t.Fatal(err)
			}
			for _, image := range rows {
				err = errors.Join(err, w.Write(image))
			}
			if err := errors.Join(err, w.Close()); err != nil {
				t.Fatal(err)
			}
		}
		flags = append(flags, "--set", fmt.Sprintf("data.%s.path=%s", split, filepath.Join(dir, split+"-*.parquet")))
	}
	return flags
}

func chunks(t *testing.T, d *data.Dataset, size int) [][]data.Image {
	t.Helper()
	var all [][]data.Image
	for _, shard := range d.Shards() {
		r, err := shard.Read(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for {
			image, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			image.Pixels = append([]byte(nil), image.Pixels...)
			if n := len(all); n == 0 || len(all[n-1]) == size {
				all = append(all, nil)
			}
			all[len(all)-1] = append(all[len(all)-1], image)
		}
	}
	return all
}
