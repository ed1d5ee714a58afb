package imports

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// idx makes an IDX file.
func idx(sizes []int, values []byte) []byte {
	b := []byte{0, 0, 8, byte(len(sizes))}
	for _, n := range sizes {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return append(b, values...)
}

func zipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// putMNIST writes a set of n images of 2 x 3 pixels, image i being filled with i and labelled i mod 10.
func putMNIST(t testing.TB, dir, prefix string, n int, dot, gz bool) {
	t.Helper()
	var pixels, labels []byte
	for i := range n {
		pixels, labels = append(pixels, bytes.Repeat([]byte{byte(i)}, 6)...), append(labels, byte(i%10))
	}
	for name, content := range map[string][]byte{"images-idx3": idx([]int{n, 2, 3}, pixels), "labels-idx1": idx([]int{n}, labels)} {
		name := prefix + "-" + name + "-ubyte"
		if dot {
			name = strings.Replace(name, "-idx", ".idx", 1)
		}
		if gz {
			name, content = name+".gz", zipped(t, content)
		}
		put(t, content, dir, name)
	}
}

func TestMNIST(t *testing.T) {
	src, dst := t.TempDir(), t.TempDir()
	putMNIST(t, src, "train", 7, false, true)
	putMNIST(t, src, "t10k", 10, true, false)
	var last string
	_, err := Import(t.Context(), "mnist", src, dst, Options{ShardRows: 3}, func(split string, done, total int64) {
		last = fmt.Sprintf("%s %d/%d", split, done, total)
	})
	if err != nil {
		t.Fatal(err)
	}
	if last != "test 5/5" {
		t.Errorf("the last progress was %q", last)
	}
	for pattern, want := range map[string]string{
		"train-*-of-00003.parquet": "0:0 1:1 2:2 3:3 4:4 5:5 6:6",
		"fit-*-of-00002.parquet":   "0:0 1:1 2:2 3:3 4:4",
		"test-*-of-00002.parquet":  "5:5 6:6 7:7 8:8 9:9",
	} {
		d, images := read(t, dst, pattern)
		if got := summary(images); got != want || d.Shape() != [3]int{2, 3, 1} || len(d.ClassNames()) != 10 {
			t.Errorf("%s holds %s of %v, wanted %s", pattern, got, d.Shape(), want)
		}
		for _, im := range images {
			if im.Pixels[0] != byte(im.ID) || im.Pixels[5] != byte(im.ID) {
				t.Errorf("image %d has the pixels %v", im.ID, im.Pixels)
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dst, ".*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	_, err = Import(t.Context(), "mnist", src, dst, Options{}, nil)
	if err == nil || !strings.Contains(err.Error(), "remove the old train shards") {
		t.Errorf("a second import into the same folder gave %v", err)
	}
}
