package picture_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upi/data/picture"
	"upi/savedmodels/runtime"
)

// folder holds pictures and what Pillow sees in them; python/make_pictures.py made it.
const folder = "testdata/pictures"

// readPPM reads a picture of three channels as Pillow writes it.
func readPPM(t testing.TB, path string) picture.Pixels {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var w, h, most int
	if _, err := fmt.Sscanf(string(text), "P6\n%d %d\n%d\n", &w, &h, &most); err != nil || most != 255 || len(text) < 3*w*h {
		t.Fatalf("%s is no PPM: %v", path, err)
	}
	return picture.Pixels{Shape: [3]int{h, w, 3}, Bytes: text[len(text)-3*w*h:]}
}

// pictures are the paths of the picture files.
func pictures(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, path := range all {
		if filepath.Ext(path) != ".ppm" {
			paths = append(paths, path)
		}
	}
	if len(paths) < 80 {
		t.Fatalf("only %d pictures in %s", len(paths), folder)
	}
	return paths
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestLikePillow: every pixel of every kind of picture is what Pillow 13.0's exif_transpose and convert("RGB") give, and where
// it is transparent what alpha_composite on white gives.
func TestLikePillow(t *testing.T) {
	for _, path := range pictures(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			file := read(t, path)
			o := picture.Options{Channels: 3, JPEG: runtime.DecodeJPEG}
			tolerance := 0
			if strings.HasPrefix(filepath.Base(path), "cmyk") {
				tolerance = 1 // TensorFlow rounds down where Pillow rounds
			}
			compare(t, file, o, readPPM(t, path+".ppm"), tolerance)
			o.OnWhite = true
			if _, err := os.Stat(path + ".white.ppm"); err == nil {
				compare(t, file, o, readPPM(t, path+".white.ppm"), 0)
			} else if !strings.Contains(path, "16") {
				compare(t, file, o, readPPM(t, path+".ppm"), tolerance)
			}
		})
	}
}

func compare(t *testing.T, file []byte, o picture.Options, want picture.Pixels, tolerance int) {
	t.Helper()
	got, err := o.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	shape, err := o.Shape(file)
	if err != nil || got.Shape != want.Shape || shape != want.Shape {
		t.Fatalf("the picture is %v, its head says %v, wanted %v (%v)", got.Shape, shape, want.Shape, err)
	}
	for i, v := range got.Bytes {
		if d := int(v) - int(want.Bytes[i]); d > tolerance || d < -tolerance {
			t.Fatalf("on white %v: place %d (row %d, column %d) is %d, Pillow has %d", o.OnWhite, i, i/3/want.Shape[1],
				i/3%want.Shape[1], v, want.Bytes[i])
		}
	}
}

func TestAsStored(t *testing.T) {
	plain, err := picture.Options{JPEG: runtime.DecodeJPEG}.Decode(read(t, filepath.Join(folder, "turned1.jpg")))
	if err != nil {
		t.Fatal(err)
	}
	for n := 2; n <= 8; n++ {
		got, err := picture.Options{JPEG: runtime.DecodeJPEG, AsStored: true}.Decode(read(t, filepath.Join(folder,
			fmt.Sprintf("turned%d.jpg", n))))
		if err != nil || got.Shape != plain.Shape || !bytes.Equal(got.Bytes, plain.Bytes) {
			t.Errorf("orientation %d was applied (%v)", n, err)
		}
	}
}
