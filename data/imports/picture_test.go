package imports

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"path/filepath"
	"strings"
	"testing"

	"upi/data"
	"upi/data/picture"
)

// plain is a picture of one colour.
func plain(t testing.TB, w, h int, c color.Color) []byte {
	t.Helper()
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		p.Set(i%w, i/w, c)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, p); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sized cuts pictures to size after scaling their shorter side.
func sized(size, shorter int) picture.Options {
	return picture.Options{Resize: picture.Resize{Mode: picture.Crop, Size: size, Shorter: shorter}}
}

func TestImageFolderLikeImageNetAndSizes(t *testing.T) {
	src := t.TempDir()
	put(t, plain(t, 10, 6, color.RGBA{10, 20, 30, 255}), src, "train", "n02", "a.png")
	put(t, plain(t, 6, 12, color.Gray{90}), src, "train", "n01", "a.png")
	put(t, plain(t, 8, 8, color.RGBA{10, 20, 30, 255}), src, "val", "n02", "a.png")
	put(t, plain(t, 9, 8, color.RGBA{10, 20, 30, 255}), src, "val", "n02", "b.png")
	_, err := Import(t.Context(), "image-folder", src, t.TempDir(), Options{}, nil)
	if err == nil || !strings.Contains(err.Error(), "--size") || !strings.Contains(err.Error(), "a.png") {
		t.Errorf("mixed sizes gave %v", err)
	}
	dst := t.TempDir()
	if _, err := Import(t.Context(), "image-folder", src, dst, Options{Pictures: sized(4, 5), KeepOrder: true}, nil); err != nil {
		t.Fatal(err)
	}
	d, images := read(t, dst, "train-*")
	if got := summary(images); got != "0:0 1:1" || d.Shape() != [3]int{4, 4, 3} || images[0].Pixels[0] != 90 || images[1].Pixels[2] != 30 {
		t.Errorf("train holds %s of %v: %v", got, d.Shape(), images)
	}
	put(t, plain(t, 8, 8, color.White), src, "val", "n03", "a.png")
	_, err = Import(t.Context(), "image-folder", src, t.TempDir(), Options{Pictures: sized(4, 0)}, nil)
	if err == nil || !strings.Contains(err.Error(), "n03") {
		t.Errorf("a class that training does not know gave %v", err)
	}
}

func TestTinyImageNet(t *testing.T) {
	src, dst := t.TempDir(), t.TempDir()
	grey := plain(t, 4, 4, color.Gray{7})
	put(t, []byte("n02\nn01\n"), src, "wnids.txt")
	put(t, []byte("n01\tgoldfish, Carassius auratus\nn02\tcrane\nn03\tcrane\n"), src, "words.txt")
	for _, name := range []string{"n01/images/n01_0.JPEG", "n01/images/n01_1.JPEG", "n02/images/n02_0.JPEG"} {
		put(t, grey, src, "train", filepath.FromSlash(name))
	}
	for i := range 4 {
		put(t, grey, src, "val", "images", fmt.Sprintf("val_%d.JPEG", i))
	}
	put(t, []byte("val_0.JPEG\tn02\t0\t0\t1\t1\nval_1.JPEG\tn01\t0\t0\t1\t1\nval_2.JPEG\tn01\t0\t0\t1\t1\nval_3.JPEG\tn02\t0\t0\t1\t1\n"), src, "val", "val_annotations.txt")
	if _, err := Import(t.Context(), "tiny-imagenet", src, dst, Options{KeepOrder: true}, nil); err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]string{"train-*": "0:0 1:0 2:1", "fit-*": "0:1 1:0", "test-*": "2:0 3:1"} {
		d, images := read(t, dst, pattern)
		if got := summary(images); got != want || strings.Join(d.ClassNames(), "|") != "n01 goldfish|n02 crane" || d.Shape() != [3]int{4, 4, 3} {
			t.Errorf("%s holds %s of %v, wanted %s", pattern, got, d.ClassNames(), want)
		}
	}
	put(t, []byte("val_0.JPEG\tn09\n"), src, "val", "val_annotations.txt")
	if _, err := Import(t.Context(), "tiny-imagenet", src, t.TempDir(), Options{}, nil); err == nil || !strings.Contains(err.Error(), "n09") {
		t.Errorf("a class that is not listed gave %v", err)
	}
}

func TestParquetBringsShardsToOneSize(t *testing.T) {
	src, dst := t.TempDir(), t.TempDir()
	for i, shape := range [][3]int{{6, 8, 3}, {9, 7, 3}} {
		w, err := data.Create(filepath.Join(src, fmt.Sprintf("s%d.parquet", i)), data.Schema{Shape: shape, ClassNames: []string{"a", "b"}})
		if err != nil {
			t.Fatal(err)
		}
		for k := range 2 {
			im := data.Image{ID: int64(10*i + k), Label: int64(k), Pixels: bytes.Repeat([]byte{byte(50 + i), 0, 9}, shape[0]*shape[1])}
			if err := w.Write(im); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Import(t.Context(), "parquet", src, dst, Options{Pictures: sized(4, 0), Splits: []string{"all"}}, nil); err != nil {
		t.Fatal(err)
	}
	d, images := read(t, dst, "all-*")
	if got := summary(images); got != "0:0 1:1 10:0 11:1" || d.Shape() != [3]int{4, 4, 3} || images[2].Pixels[0] != 51 || len(d.ClassNames()) != 2 {
		t.Errorf("got %s of %v", got, d.Shape())
	}
	if _, err := Import(t.Context(), "parquet", src, t.TempDir(), Options{}, nil); err == nil || !strings.Contains(err.Error(), "--size") {
		t.Errorf("mixed sizes gave %v", err)
	}
}
