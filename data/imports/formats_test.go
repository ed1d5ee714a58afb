package imports

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upi/data/column"
	"upi/data/picture"
	"upi/savedmodels/runtime"
)

// fixtures are picture files of every format and kind, beside what Pillow sees in them (python/make_pictures.py).
const fixtures = "../picture/testdata/pictures"

// TestFolderOfEveryFormat: whatever its format and its name, a picture of a folder becomes the pixels that Pillow sees in it.
func TestFolderOfEveryFormat(t *testing.T) {
	all, err := filepath.Glob(filepath.Join(fixtures, "*"))
	if err != nil {
		t.Fatal(err)
	}
	src, dst := t.TempDir(), t.TempDir()
	var want [][]byte
	for _, path := range all {
		text, err := os.ReadFile(path + ".ppm")
		if err != nil || !bytes.HasPrefix(text, []byte("P6\n26 19\n255\n")) || strings.Contains(path, "cmyk") {
			continue // not a picture, or of another size
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		put(t, file, src, "a", fmt.Sprintf("%03d.jpg", len(want))) // its name is wrong more often than not
		want = append(want, text[len(text)-3*19*26:])
	}
	if len(want) < 50 {
		t.Fatalf("%d pictures", len(want))
	}
	o := Options{Splits: []string{"all"}, KeepOrder: true, Pictures: picture.Options{JPEG: runtime.DecodeJPEG}}
	if _, err := Import(t.Context(), "image-folder", src, dst, o, nil); err != nil {
		t.Fatal(err)
	}
	d, images := read(t, dst, "all-*")
	if len(images) != len(want) || d.Shape() != [3]int{19, 26, 3} {
		t.Fatalf("%d images of %v", len(images), d.Shape())
	}
	for i, im := range images {
		if !bytes.Equal(im.Pixels, want[i]) {
			t.Errorf("image %d has other pixels than Pillow sees", i)
		}
	}
}

// TestShardsSayHowPicturesWereMade looks into their metadata.
func TestShardsSayHowPicturesWereMade(t *testing.T) {
	src := t.TempDir()
	for _, name := range []string{"rgba.png", "turned6.jpg"} {
		file, err := os.ReadFile(filepath.Join(fixtures, name))
		if err != nil {
			t.Fatal(err)
		}
		put(t, file, src, "a", name)
	}
	like, err := picture.Like("torchvision", 16)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pictures picture.Options
		want     string
	}{
		{picture.Options{Resize: like}, "crop 16 of 18, bilinear; applied; dropped"},
		{picture.Options{OnWhite: true, AsStored: true}, "none; as stored; on white"},
	} {
		dst := t.TempDir()
		c.pictures.JPEG = runtime.DecodeJPEG
		if _, err := Import(t.Context(), "image-folder", src, dst, Options{Splits: []string{"all"}, Pictures: c.pictures},
			nil); err != nil {
			t.Fatal(err)
		}
		f, err := column.Open(filepath.Join(dst, "all-00000-of-00001.parquet"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, key := range []string{"upi.resize", "upi.orientation", "upi.alpha"} {
			text, _ := f.Metadata(key)
			got = append(got, text)
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("metadata %q, wanted %q", got, c.want)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// Turned and not turned, the two have different sizes: that is no fault of a picture, but asks for a size.
	_, err = Import(t.Context(), "image-folder", src, t.TempDir(), Options{SkipBad: 9,
		Pictures: picture.Options{JPEG: runtime.DecodeJPEG}}, nil)
	if err == nil || !strings.Contains(err.Error(), "--size") || !strings.Contains(err.Error(), "turned6.jpg") {
		t.Errorf("two sizes gave %v", err)
	}
}
