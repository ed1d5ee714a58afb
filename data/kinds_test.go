package data

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upi/data/picture"
	"upi/savedmodels/runtime"
)

// pillows is what Pillow sees in a picture of 19 x 26 pixels (python/make_pictures.py).
func pillows(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if size := 3 * 19 * 26; bytes.HasPrefix(text, []byte("P6\n26 19\n255\n")) {
		return text[len(text)-size:]
	}
	return nil
}

// fixtures are the picture files that package picture is tested with.
func fixtures(t testing.TB) []string {
	t.Helper()
	var files []string
	all, err := filepath.Glob("picture/testdata/pictures/*")
	if err != nil || len(all) < 80 {
		t.Fatalf("%d pictures (%v)", len(all), err)
	}
	for _, path := range all {
		if filepath.Ext(path) != ".ppm" {
			files = append(files, path)
		}
	}
	return files
}

// shardOf writes a shard of picture files.
func shardOf(t testing.TB, paths ...string) string {
	t.Helper()
	var rows []row
	for i, path := range paths {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row{image: file, label: number(int64(i % 2))})
	}
	shard := filepath.Join(t.TempDir(), "s.parquet")
	writeRows(t, shard, "image label", rows...)
	return shard
}

// TestEveryKindInOneShard: in a shard a picture of whatever format and kind has the pixels that Pillow sees in it.
func TestEveryKindInOneShard(t *testing.T) {
	var paths []string
	var want [][]byte
	for _, path := range fixtures(t) {
		if pixels := pillows(t, path+".ppm"); pixels != nil && !strings.Contains(path, "cmyk") {
			paths, want = append(paths, path), append(want, pixels)
		}
	}
	if len(paths) < 50 {
		t.Fatalf("%d pictures of one size", len(paths))
	}
	d, err := OpenWith(shardOf(t, paths...), Options{Pictures: picture.Options{Channels: 3, JPEG: runtime.DecodeJPEG}})
	if err != nil {
		t.Fatal(err)
	}
	images, err := readImages(d)
	if err != nil {
		t.Fatal(err)
	}
	for i, im := range images {
		if !bytes.Equal(im.Pixels, want[i]) {
			t.Errorf("%s has other pixels than Pillow sees", paths[i])
		}
	}
}

// TestAnySizeIsResizedAtReading: the same file has the same pixels in a shard as by itself.
func TestAnySizeIsResizedAtReading(t *testing.T) {
	paths := fixtures(t)
	o := picture.Options{Channels: 3, JPEG: runtime.DecodeJPEG, Resize: picture.Resize{Mode: picture.Crop, Size: 12, Shorter: 15}}
	shard := shardOf(t, paths...)
	d, err := OpenWith(shard, Options{Pictures: o})
	if err != nil {
		t.Fatal(err)
	}
	images, err := readImages(d)
	if err != nil || d.Shape() != [3]int{12, 12, 3} || len(images) != len(paths) {
		t.Fatalf("%d images of %v: %v", len(images), d.Shape(), err)
	}
	for i, im := range images {
		file, err := os.ReadFile(paths[i])
		if err != nil {
			t.Fatal(err)
		}
		if alone, err := o.Decode(file); err != nil || !bytes.Equal(im.Pixels, alone.Bytes) {
			t.Errorf("%s has other pixels in a shard than by itself (%v)", paths[i], err)
		}
	}
	// Without a size the second picture of another size is an error that names its row.
	if d, err = OpenWith(shard, Options{Pictures: picture.Options{JPEG: runtime.DecodeJPEG}}); err == nil {
		_, err = readImages(d)
	}
	if err == nil || !strings.Contains(err.Error(), "data.resize") {
		t.Errorf("mixed sizes gave %v", err)
	}
}

// TestRawPixelsAreResizedToo: pixels that are stored as they are come to the same as those of a picture file.
func TestRawPixelsAreResizedToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.parquet")
	im := Image{Pixels: make([]byte, 9*7*3)}
	for i := range im.Pixels {
		im.Pixels[i] = byte(i * 37)
	}
	writeShard(t, path, Schema{Shape: [3]int{9, 7, 3}}, im)
	o := picture.Options{Channels: 1, Resize: picture.Resize{Mode: picture.Pad, Size: 5}}
	d, err := OpenWith(path, Options{Pictures: o})
	if err != nil {
		t.Fatal(err)
	}
	images, err := readImages(d)
	if err != nil {
		t.Fatal(err)
	}
	bare := plain{rows: one{im.Pixels, [3]int{9, 7, 3}}, options: o}
	shape, err := bare.shape()
	if err != nil || shape != d.Shape() {
		t.Fatalf("shape %v, of a file %v (%v)", shape, d.Shape(), err)
	}
	if got, err := bare.next(shape); err != nil || !bytes.Equal(got, images[0].Pixels) {
		t.Errorf("%v, of a file %v (%v)", got, images[0].Pixels, err)
	}
	if _, err := (plain{rows: one{make([]byte, 12), [3]int{2, 3, 2}}, options: o}).shape(); err == nil {
		t.Error("two channels were resized")
	}
}

// one is a column of one picture over and over.
type one struct {
	bytes []byte
	told  [3]int
}

func (o one) row() ([]byte, [3]int, error) { return o.bytes, o.told, nil }

// TestFaultyPicturesNameTheirRow: whatever the decoder says, the error names the row, and the next row can be read.
func TestFaultyPicturesNameTheirRow(t *testing.T) {
	jpeg, err := os.ReadFile("picture/testdata/pictures/q75-2.jpg")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s.parquet")
	writeRows(t, path, "image label", row{image: jpeg, label: number(0)}, row{image: jpeg[:len(jpeg)/2], label: number(0)},
		row{image: jpeg, label: number(0)})
	for _, decoder := range []picture.JPEGDecoder{runtime.DecodeJPEG, nil} {
		d, err := OpenWith(path, Options{Pictures: picture.Options{JPEG: decoder}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := d.Shards()[0].Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			_, err := r.Next()
			if wanted := i == 1 || decoder == nil; (err != nil) != wanted {
				t.Fatalf("row %d: %v", i, err)
			}
			if err != nil && (!errors.As(err, new(*picture.Error)) || !strings.Contains(err.Error(),
				fmt.Sprintf("row %d of %s", i, path))) {
				t.Errorf("row %d: %v", i, err)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
