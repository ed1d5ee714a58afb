package imports

import (
	"fmt"
	"image/color"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"upi/data"
)

// TestDrawIsInProportion: whatever the order and the sizes of the classes, every beginning of the order and both halves of it hold each
// class in its proportion, no image is lost or comes twice, and another seed gives another order of the same kind.
func TestDrawIsInProportion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		labels := rapid.SliceOfN(rapid.Int64Range(0, 4), 1, 200).Draw(t, "labels")
		if rapid.Bool().Draw(t, "sorted") {
			slices.Sort(labels)
		}
		o := Options{Seed: rapid.Int64().Draw(t, "seed")}
		s := &set{labels: labels, total: int64(len(labels))}
		drawn := s.draw(o)
		if got := slices.Sorted(slices.Values(drawn)); len(got) != len(labels) || got[0] != 0 || len(slices.Compact(got)) != len(labels) {
			t.Fatalf("drawn are %v", drawn)
		}
		total, count := map[int64]float64{}, map[int64]float64{}
		for _, label := range labels {
			total[label]++
		}
		n := float64(len(labels))
		for i, place := range drawn {
			count[labels[place]]++
			for label, all := range total {
				// The k-th of n of a class lies between k/n and (k+1)/n of the way, so a class is at most one image away from where the order is,
				// and the order itself at most as many as there are classes.
				if off := math.Abs(count[label] - all*float64(i+1)/n); off > 1+all*float64(len(total))/n {
					t.Fatalf("after %d of %v images class %d has %v of %v", i+1, n, label, count[label], all)
				}
			}
		}
		halves := s.halves(o)
		if d := len(halves[0].places) - len(halves[1].places); d < 0 || d > 1 {
			t.Fatalf("halves of %d and %d images", len(halves[0].places), len(halves[1].places))
		}
		balance := map[int64]int{}
		for i, half := range halves {
			for _, place := range half.places {
				balance[labels[place]] += 1 - 2*i
			}
		}
		for label, d := range balance {
			if d < -1 || d > 1 {
				t.Fatalf("class %d has %d more in fit than in test", label, d)
			}
		}
		o.Limit = rapid.Int64Range(1, s.total).Draw(t, "limit")
		if !slices.Equal(s.draw(o), drawn[:o.Limit]) {
			t.Fatal("a limit gives another order")
		}
	})
	s := &set{labels: make([]int64, 100), total: 100}
	one, other := s.draw(Options{Seed: 1}), s.draw(Options{Seed: 2})
	if slices.Equal(one, other) || slices.IsSorted(one) || !slices.Equal(one, s.draw(Options{Seed: 1})) {
		t.Errorf("seeds give %v and %v", one, other)
	}
}

// sortedShard writes images of three classes one after the other, 8 of each; image i has the grey i.
func sortedShard(t testing.TB, path string) {
	t.Helper()
	w, err := data.Create(path, data.Schema{Shape: [3]int{2, 2, 1}, ClassNames: []string{"a", "b", "c"}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 24 {
		if err := w.Write(data.Image{ID: int64(i), Label: int64(i / 8), Pixels: []byte{byte(i), byte(i), byte(i), byte(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestASortedParquetSetIsDrawnByClass(t *testing.T) {
	src := filepath.Join(t.TempDir(), "sorted.parquet")
	sortedShard(t, src)
	dst := t.TempDir()
	r, err := Import(t.Context(), "parquet", src, dst, Options{ShardRows: 5, Splits: []string{"fit", "test", "all"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Warnings) != 0 || !slices.Equal(r.Splits[0].PerClass, []int64{4, 4, 4}) || !slices.Equal(r.Splits[1].PerClass, []int64{4, 4, 4}) {
		t.Errorf("it made %+v with warnings %q", r.Splits, r.Warnings)
	}
	_, fit := read(t, dst, "fit-*-of-00003.parquet")
	_, test := read(t, dst, "test-*")
	_, all := read(t, dst, "all-*")
	seen := map[int64]bool{}
	for _, im := range slices.Concat(fit, test) {
		if seen[im.ID] || im.Label != im.ID/8 || im.Pixels[3] != byte(im.ID) {
			t.Errorf("image %d has label %d and pixels %v", im.ID, im.Label, im.Pixels)
		}
		seen[im.ID] = true
	}
	if len(seen) != 24 || slices.IsSortedFunc(fit, func(a, b data.Image) int { return int(a.ID - b.ID) }) {
		t.Errorf("fit holds %s", summary(fit))
	}
	if !slices.IsSortedFunc(all, func(a, b data.Image) int { return int(a.ID - b.ID) }) || len(all) != 24 {
		t.Errorf("all holds %s", summary(all))
	}
	// As they lie, fit lacks a class of test, and that is said.
	r, err = Import(t.Context(), "parquet", src, t.TempDir(), Options{KeepOrder: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], `fit has no image of "c"`) {
		t.Errorf("warnings %q", r.Warnings)
	}
}

func TestBadRowsOfParquet(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "bad.parquet")
	good := plain(t, 4, 4, color.White)
	writeEncoded(t, path, [][]byte{[]byte("no picture"), good, nil, good, good[:40]}, []int64{0, 1, 0, 1, -1})
	_, err := Import(t.Context(), "parquet", path, t.TempDir(), Options{Splits: []string{"all"}}, nil)
	if err == nil || !strings.Contains(err.Error(), "--skip-bad 3") || !strings.Contains(err.Error(), "row 2 of "+path) {
		t.Errorf("it gave %v", err)
	}
	dst := t.TempDir()
	r, err := Import(t.Context(), "parquet", path, dst, Options{SkipBad: 3, Splits: []string{"all"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, images := read(t, dst, "all-*"); summary(images) != "1:1 3:1" {
		t.Errorf("it holds %s", summary(images))
	}
	if got, want := leftOut(r, ""), []string{"row 0 of " + path, "row 2 of " + path, "row 4 of " + path}; len(got) != 3 || !strings.HasPrefix(got[1], want[1]) {
		t.Errorf("left out are %q, wanted %q", got, want)
	}
}

// TestFilesNamedBySplits: the Parquet files of a folder whose names are those of splits are those splits; of other names they are one set.
func TestFilesNamedBySplits(t *testing.T) {
	for _, c := range []struct {
		files []string
		want  string
	}{
		{[]string{"train-00000-of-00001", "test-00000-of-00001"}, "train 24, fit 12, test 12"},
		{[]string{"train-00000-of-00001-0123abcd", "validation-00000-of-00001-0123abcd", "test-00000-of-00001-0123abcd"}, "train 24, fit 24, test 24"},
		{[]string{"fit-00000-of-00001", "test-00000-of-00001"}, "fit 24, test 24"},
		{[]string{"train"}, "fit 12, test 12"},
		{[]string{"data/train-00000-of-00001", "data/test-00000-of-00001"}, "train 24, fit 12, test 12"},
		{[]string{"set/default/train", "set/default/val"}, "train 24, fit 12, test 12"},
		{[]string{"a", "test"}, ""},
	} {
		src := t.TempDir()
		for _, name := range c.files {
			path := put(t, nil, src, filepath.FromSlash(name)+".parquet")
			sortedShard(t, path)
		}
		r, err := Import(t.Context(), "parquet", src, t.TempDir(), Options{}, nil)
		if c.want == "" { // one set, in which ids occur twice
			if err == nil || !strings.Contains(err.Error(), "id 0") || !strings.Contains(err.Error(), "--id none") {
				t.Errorf("%v: %v", c.files, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%v: %v", c.files, err)
			continue
		}
		var got []string
		for _, s := range r.Splits {
			got = append(got, fmt.Sprintf("%s %d", s.Name, s.Images))
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%v made %s, wanted %s", c.files, strings.Join(got, ", "), c.want)
		}
	}
}
