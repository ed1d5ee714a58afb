package data

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestMissingShard: a set of which a file has vanished is an error, unless the pattern or the limit leaves that file out.
func TestMissingShard(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"train-00000-of-00004.parquet", "train-00001-of-00004.parquet", "train-00003-of-00004.parquet", "x-00001.parquet"} {
		w, err := Create(filepath.Join(dir, name), Schema{Shape: [3]int{1, 1, 1}})
		if err != nil {
			t.Fatal(err)
		}
		// The ids follow the names: 0 and 1 in the first file, and so on.
		first := int64(2 * (name[len("train-0000")] - '0'))
		if strings.HasPrefix(name, "x") {
			first = 100
		}
		for id := first; id < first+2; id++ {
			if err := w.Write(Image{ID: id, Pixels: []byte{0}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		pattern string
		limit   int64
		missing string
	}{
		{"train-*.parquet", 0, "train-00002-of-00004.parquet"},
		{"*", 0, "train-00002-of-00004.parquet"},
		{"train-*.parquet", 5, "train-00002-of-00004.parquet"},
		{"train-*.parquet", 4, ""},
		{"train-0000[013]-of-*.parquet", 0, ""},
		{"train-00003-of-00004.parquet", 0, ""},
		{"x-*.parquet", 0, ""},
	} {
		_, err := Open(filepath.Join(dir, c.pattern), c.limit)
		switch {
		case c.missing == "" && err != nil:
			t.Errorf("%s, limit %d: %v", c.pattern, c.limit, err)
		case c.missing != "" && (err == nil || !strings.Contains(err.Error(), filepath.Join(dir, c.missing)+" is not there")):
			t.Errorf("%s, limit %d: %v, want an error that names %s", c.pattern, c.limit, err, c.missing)
		}
	}
}
