package data

import (
	"encoding/json"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upi/data/picture"
	"upi/internal/pythontest"
	"upi/savedmodels/runtime"
)

// fixCRC makes the checksum of a PNG's first chunk right again.
func fixCRC(png []byte) {
	sum := crc32.ChecksumIEEE(png[12:29])
	copy(png[29:], []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
}

// TestReadsWhatOthersWrite reads the same eight images as pandas, polars, DuckDB, datasets and pyarrow store them. Pixels are the
// formula of python/interop.py.
func TestReadsWhatOthersWrite(t *testing.T) {
	dir := t.TempDir()
	pythontest.Run(t, "interop.py", "write-images", dir)
	paths, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	if err != nil || len(paths) < 30 {
		t.Fatalf("found %d files: %v", len(paths), err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			d, err := OpenWith(path, Options{Pictures: picture.Options{JPEG: runtime.DecodeJPEG}})
			if err != nil {
				t.Fatal(err)
			}
			images, err := readImages(d)
			if err != nil {
				t.Fatal(err)
			}
			if d.Shape() != [3]int{5, 7, 3} || len(images) != 8 {
				t.Fatalf("%d images of %v", len(images), d.Shape())
			}
			tolerance := 0
			if strings.HasPrefix(name, "jpeg") {
				// From the fifth image on the formula wraps around from 255 to 0, and JPEG smears that.
				tolerance, images = 3, images[:4]
			}
			for i, im := range images {
				id := int64(i)
				if name == "pyarrow-ids.parquet" {
					id += 100
				}
				if im.ID != id || im.Row != int64(i) || im.Label != int64(i%3) {
					t.Fatalf("image %d has id %d, row %d, label %d", i, im.ID, im.Row, im.Label)
				}
				for k, got := range im.Pixels {
					want := (i*37 + k/21*11 + k/3%7*5 + k%3*3) % 256
					if diff := max(int(got)-want, want-int(got)); diff > tolerance {
						t.Fatalf("image %d, place %d is %d, wanted %d", i, k, got, want)
					}
				}
			}
			if name == "datasets.parquet" && !slices.Equal(d.ClassNames(), []string{"cat", "dog", "frog"}) {
				t.Errorf("classes %v", d.ClassNames())
			}
		})
	}
}

// TestOthersReadWhatIsWritten asks the same libraries for what they see in our shards.
func TestOthersReadWhatIsWritten(t *testing.T) {
	dir := t.TempDir()
	type seen struct {
		ID     int64   `json:"id"`
		Label  int64   `json:"label"`
		Pixels []uint8 `json:"-"`
		Values []int   `json:"pixels"`
	}
	var want []seen
	for shard := range 2 {
		var images []Image
		for i := range 3 {
			im := Image{ID: int64(10*shard + i), Label: int64(i % 2)}
			s := seen{ID: im.ID, Label: im.Label}
			for k := range 4 * 5 * 3 {
				im.Pixels = append(im.Pixels, byte(k*7+i+shard))
				s.Values = append(s.Values, int(byte(k*7+i+shard)))
			}
			images, want = append(images, im), append(want, s)
		}
		writeShard(t, filepath.Join(dir, []string{"a.parquet", "b.parquet"}[shard]), Schema{Shape: [3]int{4, 5, 3}, ClassNames: []string{"cat", "dog"}}, images...)
	}
	out := pythontest.Run(t, "interop.py", "read-images", filepath.Join(dir, "*.parquet"))
	var got map[string]json.RawMessage
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	for _, library := range []string{"datasets", "pandas", "polars", "duckdb", "pyarrow"} {
		var images []seen
		if err := json.Unmarshal(got[library], &images); err != nil {
			t.Fatalf("%s: %v", library, err)
		}
		if !slices.EqualFunc(images, want, func(a, b seen) bool {
			return a.ID == b.ID && a.Label == b.Label && slices.Equal(a.Values, b.Values)
		}) {
			t.Errorf("%s reads %v, wanted %v", library, images, want)
		}
	}
	for key, text := range map[string]string{
		"features": `{"image": "Image", "label": "ClassLabel", "id": "Value"}`, "names": `["cat", "dog"]`,
	} {
		if string(got[key]) != text {
			t.Errorf("datasets' %s are %s, wanted %s", key, got[key], text)
		}
	}
}

// FuzzOpen reads whatever bytes there are as a shard.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, "seed.parquet")
	writeShard(f, path, Schema{Shape: [3]int{2, 2, 1}, ClassNames: []string{"a"}}, Image{ID: 3, Pixels: []byte{1, 2, 3, 4}}, Image{ID: 4, Pixels: []byte{1, 2, 3, 4}})
	seed := func() {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	seed()
	writeRows(f, path, "image label id", row{greyPNG(3), number(0), number(5)}, row{nil, nil, nil})
	seed()
	fuzzed := filepath.Join(dir, "fuzz.parquet")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(fuzzed, b, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Open(fuzzed, 1000)
		if err == nil {
			_, err = readImages(d)
		}
		if err != nil && !strings.Contains(err.Error(), fuzzed) {
			t.Errorf("the error does not name the file: %v", err)
		}
	})
}
