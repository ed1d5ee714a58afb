package runtime

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// pictures holds JPEGs and what Pillow sees in them; package data/picture compares all of them with that.
const pictures = "../../data/picture/testdata/pictures"

func TestDecodeJPEG(t *testing.T) {
	for name, want := range map[string][3]int{"q75-2.jpg": {19, 26, 3}, "grey.jpg": {19, 26, 1}, "cmyk.jpg": {19, 26, 3},
		"odd-17x33.jpg": {17, 33, 3}} {
		file, err := os.ReadFile(filepath.Join(pictures, name))
		if err != nil {
			t.Fatal(err)
		}
		pixels, shape, err := DecodeJPEG(file)
		if err != nil || shape != want || len(pixels) != shape[0]*shape[1]*shape[2] {
			t.Errorf("%s: %d pixels of %v, wanted %v (%v)", name, len(pixels), shape, want, err)
		}
		if _, _, err := DecodeJPEG(file[:len(file)-20]); err == nil || !strings.Contains(err.Error(), "JPEG") {
			t.Errorf("%s cut short: %v", name, err)
		}
	}
	for _, file := range [][]byte{nil, []byte("no picture"), {0xff, 0xd8, 0xff}} {
		if _, _, err := DecodeJPEG(file); err == nil {
			t.Errorf("%q was decoded", file)
		}
	}
}

// TestDecodeJPEGSideBySide: calls at once, while memory is collected, do not disturb each other.
func TestDecodeJPEGSideBySide(t *testing.T) {
	var files, want [][]byte
	for _, name := range []string{"q75-2.jpg", "progressive.jpg", "grey.jpg"} {
		file, err := os.ReadFile(filepath.Join(pictures, name))
		if err != nil {
			t.Fatal(err)
		}
		pixels, _, err := DecodeJPEG(file)
		if err != nil {
			t.Fatal(err)
		}
		files, want = append(files, file), append(want, pixels)
	}
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 300 {
				k := (worker + i) % len(files)
				if i%50 == 0 {
					account(2 * collectEvery)
				}
				if pixels, _, err := DecodeJPEG(files[k]); err != nil || !bytes.Equal(pixels, want[k]) {
					t.Errorf("worker %d, call %d differs (%v)", worker, i, err)
					return
				}
			}
		})
	}
	group.Wait()
}
