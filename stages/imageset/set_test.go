package imageset

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upi/attack"
	"upi/data/table"
	"upi/random"
	"upi/savedmodels/saliency"
)

var shape = [3]int{2, 3, 2}

// pixel is value j of the image with this id, and mapValue that of its map.
func pixel(id int64, j int) byte { return byte(7*id + int64(j)) }

func mapValue(id int64, j int) float32 { return float32(id) + float32(j)/8 }

// write makes the directories of a part with these images; one whose id is divisible by 5 has no map.
func write(t *testing.T, dir string, ids []int64) Part {
	t.Helper()
	p := Part{Images: filepath.Join(dir, "images"), References: filepath.Join(dir, "references")}
	var images []Image
	var references []Reference
	var pixels []byte
	var maps []float32
	for _, id := range ids {
		images = append(images, Image{ID: id, Label: id % 10})
		references = append(references, Reference{ID: id, Class: id % 3, Norm: float64(id % 5)})
		for j := range shape[0] * shape[1] * shape[2] {
			pixels = append(pixels, pixel(id, j))
		}
		for j := range shape[0] * shape[1] {
			maps = append(maps, mapValue(id, j))
		}
	}
	for _, err := range []error{
		os.MkdirAll(p.Images, 0o777), os.MkdirAll(p.References, 0o777),
		writeRows(filepath.Join(p.Images, ImagesFile), images), writeRows(filepath.Join(p.References, ReferenceFile), references),
		os.WriteFile(filepath.Join(p.Images, PixelsFile), pixels, 0o666), os.WriteFile(filepath.Join(p.References, MapsFile), BytesOf(maps), 0o666),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func writeRows[T any](path string, rows []T) error {
	w, err := table.Create[T](path, table.Options{})
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := w.Write(rows...); err != nil {
		return err
	}
	return w.Close()
}

// TestSetReadsEveryImage: whatever the shards, empty ones among them, and whether files are held open or not.
func TestSetReadsEveryImage(t *testing.T) {
	for _, lengths := range [][]int{{3}, {0, 2, 1, 0}, {4, 0, 0, 3}, append(slices.Repeat([]int{0}, 128), 2, 1)} {
		home := t.TempDir()
		var parts []Part
		var ids []int64
		for i, n := range lengths {
			var own []int64
			for range n {
				own = append(own, int64(3*len(ids)+1))
				ids = append(ids, own[len(own)-1])
			}
			parts = append(parts, write(t, filepath.Join(home, fmt.Sprint(i)), own))
		}
		s, err := Open(shape, parts...)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if s.Len() != len(ids) {
			t.Fatalf("%d images, want %d", s.Len(), len(ids))
		}
		x, m, scratch := make([]float32, s.Size), make([]float32, s.Pixels), make([]byte, s.Size)
		for i, id := range ids {
			if err := s.ReadPixels(i, x, scratch); err != nil {
				t.Fatal(err)
			}
			if err := s.ReadMap(i, m); err != nil {
				t.Fatal(err)
			}
			if s.Images[i].ID != id || x[5] != float32(pixel(id, 5)) || m[4] != mapValue(id, 4) || s.HasMap(i) != (id%5 > 0) {
				t.Fatalf("image %d of %v: %+v, pixel %v, map %v", i, lengths, s.Images[i], x[5], m[4])
			}
		}
		at := 0
		for k, n := range lengths {
			if first, end := s.Bounds(k); first != at || end != at+n {
				t.Fatalf("part %d of %v is %d to %d", k, lengths, first, end)
			}
			at += n
		}
	}
}

// TestOpenRefuses what does not fit together, by name.
func TestOpenRefuses(t *testing.T) {
	for says, spoil := range map[string]func(p Part) error{
		"pixels.u8: it holds 35 bytes, 3 records of 12 take 36": func(p Part) error { return os.Truncate(filepath.Join(p.Images, PixelsFile), 35) },
		"maps.f32: it holds 4 bytes":                            func(p Part) error { return os.Truncate(filepath.Join(p.References, MapsFile), 4) },
		"2 for the 3 images": func(p Part) error {
			return writeRows(filepath.Join(p.References, ReferenceFile), []Reference{{ID: 1}, {ID: 2}})
		},
		"no such file": func(p Part) error { return os.Remove(filepath.Join(p.References, MapsFile)) },
	} {
		p := write(t, t.TempDir(), []int64{1, 2, 3})
		if err := spoil(p); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(shape, p); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
}

// TestBatch: perturbation, noise and clipping are added in this order, and the derivative of the clipping is told.
func TestBatch(t *testing.T) {
	s, err := Open(shape, write(t, t.TempDir(), []int64{1, 2, 30}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	noise := attack.Noise{Sigma: 3, Draws: 1}
	b := Batcher{Set: s, Reference: true, Clip: true, Noise: noise, Seed: 4}
	delta := slices.Repeat([]float32{-9}, s.Size)
	kept := make([]float32, 2*s.Size)
	got, err := b.Batch([]int{2, 0}, Perturbed{Delta: func(int) []float32 { return delta }, Purpose: "smoothing", Draw: 5}, kept)
	if err != nil {
		t.Fatal(err)
	}
	z := make([]float32, s.Size)
	for k, id := range []int64{30, 1} {
		noise.Fill(z, "smoothing", 4, id, 5)
		for j := range s.Size {
			want := float32(pixel(id, j)) - 9 + z[j]
			inside := want >= 0 && want <= 255
			at := k*s.Size + j
			if got.Pixels[at] != min(max(want, 0), 255) || (kept[at] != 0) != inside {
				t.Errorf("image %d, value %d: %v (kept %v), want %v", id, j, got.Pixels[at], kept[at], want)
			}
		}
		if got.Reference[k*s.Pixels+1] != mapValue(id, 1) || got.Classes[k] != int32(id%3) {
			t.Errorf("image %d: map %v, class %d", id, got.Reference[k*s.Pixels+1], got.Classes[k])
		}
	}
	if !slices.Contains(kept, 0) || !slices.Contains(kept, 1) {
		t.Error("nothing, or all, is clipped: the test does not test")
	}
	if plain, err := (Batcher{Set: s}).Batch([]int{1}, Perturbed{}, nil); err != nil || plain.Reference != nil || plain.Pixels[3] != float32(pixel(2, 3)) {
		t.Errorf("got %+v, %v", plain, err)
	}
}

// TestBatchBaselines: each image has draws of its own, which its place in a batch, its perturbation and the model do not change.
func TestBatchBaselines(t *testing.T) {
	home := t.TempDir()
	s, err := Open(shape, write(t, filepath.Join(home, "set"), []int64{1, 2, 30}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	pool, err := ReadBaselines(shape, write(t, filepath.Join(home, "pool"), []int64{11, 12, 13, 14, 15}))
	if err != nil {
		t.Fatal(err)
	}
	const draws = 40
	b := Batcher{Set: s, Explanation: &saliency.ExpectedGradients{Samples: draws}, Baselines: pool}
	got, err := b.Batch([]int{2, 0}, Perturbed{Delta: func(int) []float32 { return make([]float32, s.Size) }}, nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[float32]bool{}
	for draw := range draws {
		for k, id := range []int64{30, 1} {
			stream := random.New(0, "explanation baseline", id, int64(draw))
			chosen := []int64{11, 12, 13, 14, 15}[stream.Index(5)]
			at := draw*2 + k
			if a := got.Along[at]; a != float32(stream.Float64()) || a < 0 || a >= 1 {
				t.Errorf("draw %d of image %d lies at %v", draw, id, a)
			}
			for j, v := range got.Baselines[at*s.Size : (at+1)*s.Size] {
				if v != float32(pixel(chosen, j)) {
					t.Fatalf("draw %d of image %d: value %d is %v, not that of image %d", draw, id, j, v, chosen)
				}
			}
			seen[got.Baselines[at*s.Size]] = true
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d of 5 baselines are drawn in %d draws", len(seen), 2*draws)
	}
	alone, err := b.Batch([]int{0}, Perturbed{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for draw := range draws {
		if alone.Along[draw] != got.Along[2*draw+1] || !slices.Equal(alone.Baselines[draw*s.Size:(draw+1)*s.Size], got.Baselines[(2*draw+1)*s.Size:(2*draw+2)*s.Size]) {
			t.Fatalf("draw %d of an image depends on its batch", draw)
		}
	}
	b.Baselines = nil
	if _, err := b.Batch([]int{0}, Perturbed{}, nil); err == nil || !strings.Contains(err.Error(), "no images to draw them from") {
		t.Errorf("without images: %v", err)
	}
}
