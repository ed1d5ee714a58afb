package data

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// writeShard writes images with a Writer.
func writeShard(t testing.TB, path string, s Schema, images ...Image) {
	t.Helper()
	w, err := Create(path, s)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for _, im := range images {
		if err := w.Write(im); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// readImages reads a whole dataset.
func readImages(d *Dataset) ([]Image, error) {
	var images []Image
	for _, s := range d.Shards() {
		r, err := s.Read(context.Background())
		if err != nil {
			return nil, err
		}
		defer r.Close()
		for {
			im, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, err
			}
			images = append(images, im)
		}
	}
	return images, nil
}

func TestReadsWhatWasWritten(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		shape := [3]int{rapid.IntRange(1, 9).Draw(t, "height"), rapid.IntRange(1, 9).Draw(t, "width"), rapid.SampledFrom([]int{1, 3}).Draw(t, "channels")}
		size := shape[0] * shape[1] * shape[2]
		ids := rapid.SliceOfNDistinct(rapid.Int64(), 1, 12, rapid.ID[int64]).Draw(t, "ids")
		cut := rapid.IntRange(0, len(ids)).Draw(t, "cut")
		limit := rapid.IntRange(0, len(ids)+1).Draw(t, "limit")
		var images []Image
		for i, id := range ids {
			images = append(images, Image{
				ID: id, Row: int64(i), Label: rapid.Int64Range(0, 2).Draw(t, "label"),
				Pixels: rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "pixels"),
			})
		}
		for i, part := range [][]Image{images[:cut], images[cut:]} {
			path := filepath.Join(dir, fmt.Sprintf("s-%d.parquet", i))
			w, err := Create(path, Schema{Shape: shape, ClassNames: []string{"a", "b", "c"}})
			if err != nil {
				t.Fatal(err)
			}
			for _, im := range part {
				if err := w.Write(im); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
		d, err := Open(filepath.Join(dir, "s-*.parquet"), int64(limit))
		if err != nil {
			t.Fatal(err)
		}
		if limit > 0 {
			images = images[:min(limit, len(images))]
		}
		got, err := readImages(d)
		if err != nil {
			t.Fatal(err)
		}
		if d.Shape() != shape || d.Len() != int64(len(images)) || strings.Join(d.ClassNames(), "") != "abc" || len(got) != len(images) {
			t.Fatalf("%d images of %v came back as %d of %v, classes %v", len(images), shape, len(got), d.Shape(), d.ClassNames())
		}
		for i, im := range images {
			if got[i].ID != im.ID || got[i].Label != im.Label || got[i].Row != im.Row || !bytes.Equal(got[i].Pixels, im.Pixels) {
				t.Fatalf("image %d came back as %v, was %v", i, got[i], im)
			}
		}
	})
}

func TestShippedSamples(t *testing.T) {
	for name, want := range map[string]struct {
		shape [3]int
		first string
	}{
		// The first test image of MNIST is a 7, that of CIFAR-10 a cat.
		"mnist": {[3]int{28, 28, 1}, "7"}, "cifar10": {[3]int{32, 32, 3}, "cat"},
	} {
		for i, split := range []string{"fit", "test"} {
			d, err := Open(filepath.Join(name, split+"-*.parquet"), 0)
			if err != nil {
				t.Fatal(err)
			}
			images, err := readImages(d)
			if err != nil {
				t.Fatal(err)
			}
			if len(images) != 1000 || d.Shape() != want.shape || len(d.Shards()) != 2 {
				t.Errorf("%s %s: %d images of %v in %d shards", name, split, len(images), d.Shape(), len(d.Shards()))
			}
			for k, im := range images {
				if im.ID != int64(1000*i+k) {
					t.Fatalf("%s %s: image %d has id %d", name, split, k, im.ID)
				}
			}
			if first := d.ClassNames()[images[0].Label]; split == "fit" && first != want.first {
				t.Errorf("%s: the first image is a %s, not a %s", name, first, want.first)
			}
		}
	}
}

func TestDoneContextStopsReading(t *testing.T) {
	d, err := Open("mnist/fit-*.parquet", 3)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := d.Shards()[0].Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cancel()
	if _, err := r.Next(); err != context.Canceled {
		t.Errorf("after cancel came %v", err)
	}
}

func TestShardsThatDoNotFitTogether(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	writeShard(t, at("a-0.parquet"), Schema{Shape: [3]int{2, 2, 1}}, Image{ID: 7, Pixels: make([]byte, 4)})
	writeShard(t, at("a-1.parquet"), Schema{Shape: [3]int{2, 3, 1}}, Image{ID: 8, Pixels: make([]byte, 6)})
	writeShard(t, at("b-0.parquet"), Schema{Shape: [3]int{2, 2, 1}}, Image{ID: 7, Pixels: make([]byte, 4)})
	writeShard(t, at("b-1.parquet"), Schema{Shape: [3]int{2, 2, 1}}, Image{ID: 7, Pixels: make([]byte, 4)})
	writeShard(t, at("c-0.parquet"), Schema{Shape: [3]int{2, 2, 1}, ClassNames: []string{"x"}}, Image{ID: 7, Pixels: make([]byte, 4)})
	writeShard(t, at("c-1.parquet"), Schema{Shape: [3]int{2, 2, 1}, ClassNames: []string{"y"}}, Image{ID: 8, Pixels: make([]byte, 4)})
	for pattern, want := range map[string][]string{
		"a-*.parquet": {"a-0", "a-1", "2 x 2 x 1", "2 x 3 x 1"},
		"b-*.parquet": {"id 7", "row 0", "b-0", "b-1"},
		"c-*.parquet": {"classes", "c-0", "c-1"},
		"d-*.parquet": {"d-*.parquet", "upi import"},
		"[":           {"["},
	} {
		_, err := Open(at(pattern), 0)
		if err == nil {
			t.Errorf("%s passed", pattern)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("error %q does not say %q", err, w)
			}
		}
	}
	if _, err := Open(at("a-0.parquet"), -1); err == nil {
		t.Error("a limit below 0 passed")
	}
}

func TestWriterRefusesWhatItCannotStore(t *testing.T) {
	dir := t.TempDir()
	if _, err := Create(filepath.Join(dir, "s.parquet"), Schema{Shape: [3]int{2, 2, 2}}); err == nil {
		t.Error("two channels passed")
	}
	for _, im := range []Image{{Pixels: make([]byte, 3)}, {Label: 2, Pixels: make([]byte, 4)}, {Label: -1, Pixels: make([]byte, 4)}} {
		w, err := Create(filepath.Join(dir, "s.parquet"), Schema{Shape: [3]int{2, 2, 1}, ClassNames: []string{"a", "b"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(im); err == nil {
			t.Errorf("%v passed", im)
		}
		w.Abort()
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
