package data

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upi/internal/pythontest"
)

// TestReadsArrowFiles reads the files of interop.py's write-arrow: streams and files in several batches, with columns of every type beside
// those that are asked for. Pixels are its formula.
func TestReadsArrowFiles(t *testing.T) {
	dir := t.TempDir()
	pythontest.Run(t, "interop.py", "write-arrow", dir)
	third := func(i int) int64 { return int64(i % 3) }
	for _, file := range []string{"stream.arrow", "file.arrow"} {
		for _, c := range []struct {
			columns  Columns
			channels int
			label    func(int) int64
			classes  string
			named    bool
		}{
			{Columns{Image: "array", Label: "names"}, 3, func(i int) int64 { return []int64{2, 0, 1}[i%3] }, "Ameise bär zebra", true},
			{Columns{Image: "tensor", Label: "float", ID: "end"}, 3, third, "", false},
			{Columns{Image: "grey", Label: "flag", ID: NoID}, 1, func(i int) int64 { return int64(i % 2) }, "", false},
		} {
			t.Run(file+" "+c.columns.Image, func(t *testing.T) {
				d, err := OpenWith(filepath.Join(dir, file), Options{Columns: c.columns})
				if err != nil {
					t.Fatal(err)
				}
				images, err := readImages(d)
				if err != nil {
					t.Fatal(err)
				}
				if len(images) != 8 || d.Shape() != [3]int{5, 7, c.channels} || strings.Join(d.ClassNames(), " ") != c.classes || d.TextIDs() != c.named {
					t.Fatalf("%d images of %v, classes %q, text ids %t", len(images), d.Shape(), d.ClassNames(), d.TextIDs())
				}
				for i, im := range images {
					if name := fmt.Sprintf("img_%d.png", i); c.named && (im.Name != name || im.ID != TextID(name)) || !c.named && im.ID != int64(i) {
						t.Fatalf("image %d has id %d, name %q", i, im.ID, im.Name)
					}
					if im.Label != c.label(i) {
						t.Fatalf("image %d has label %d", i, im.Label)
					}
					for k, got := range im.Pixels {
						channel, pixel := k%c.channels, k/c.channels
						if want := (i*37 + pixel/7*11 + pixel%7*5 + channel*3) % 256; int(got) != want {
							t.Fatalf("image %d, place %d is %d, wanted %d", i, k, got, want)
						}
					}
				}
			})
		}
		// The fifth row is NULL, in its picture and its label.
		d, err := OpenWith(filepath.Join(dir, file), Options{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := d.Shards()[0].Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for i := range 8 {
			im, err := r.Next()
			if bad, ok := err.(*RowError); i == 4 && (!ok || bad.Row != 4) || i != 4 && (err != nil || im.Label != third(i) || len(im.Pixels) != 105) {
				t.Fatalf("row %d is %+v (%v)", i, im, err)
			}
		}
		for want, columns := range map[string]Columns{
			"16 bits": {Image: "array", Label: "half"}, "NULL within": {Image: "holes", Label: "names"}, "differ in length": {Image: "ragged", Label: "names"},
			"timestamp": {Image: "array", Label: "time"}, "dictionary of string": {Image: "array", Label: "category"}, "struct, wanted": {Image: "structs", Label: "names"},
			"label -4 is below 0": {Image: "array", Label: "small"}, `no column "photo"`: {Image: "photo"}, "one list": {Image: "fixed", Label: "names"},
		} {
			d, err := OpenWith(filepath.Join(dir, file), Options{Columns: columns})
			if err == nil {
				_, err = readImages(d)
			}
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
				t.Errorf("%+v of %s gave %v, wanted it to say %q", columns, file, err, want)
			}
		}
	}
	if _, err := Open(filepath.Join(dir, "packed.arrow"), 0); err == nil || !strings.Contains(err.Error(), "without compression") {
		t.Errorf("a compressed file gave %v", err)
	}
	damagedArrow(t, filepath.Join(dir, "stream.arrow"))
}

// damagedArrow changes bytes of a file, and cuts it: what comes out may be an error or other values, never a crash, a hang or much memory.
func damagedArrow(t *testing.T, path string) {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 1500 {
		b := bytes.Clone(whole)
		for range 1 + random.IntN(4) {
			at := random.IntN(len(b))
			if i%2 == 0 { // the schema and the first message, where the structure is
				at = random.IntN(min(len(b), 6000))
			}
			b[at] ^= byte(1 << random.IntN(8))
		}
		if i%10 == 0 {
			b = b[:random.IntN(len(b))]
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, columns := range []Columns{{}, {Image: "array", Label: "names"}, {Image: "tensor", Label: "float", ID: "end"}} {
			d, err := OpenWith(path, Options{Columns: columns, Limit: 100})
			if err == nil {
				_, err = readImages(d)
			}
			if err != nil && !strings.Contains(err.Error(), path) {
				t.Fatalf("the error does not name the file: %v", err)
			}
		}
	}
}
