package imports

import (
	"bytes"
	"image"
	"image/png"
	"strings"
	"testing"
)

// cifarPixels is a formula for image i, pixel p, channel c.
func cifarPixels(i, p, c int) byte { return byte(i*31 + p*7 + c*85) }

func TestCIFAR10BothForms(t *testing.T) {
	const n = cifarBatch
	labels := make([]byte, 0, 2*n)
	record := make([]byte, 0, n*(1+3*cifarPlane))
	picture := image.NewRGBA(image.Rect(0, 0, cifarPlane, n))
	for i := range n {
		record = append(record, byte(i%10))
		labels = append(labels, byte('0'+i%10), ',')
		for c := range 3 {
			for p := range cifarPlane {
				record = append(record, cifarPixels(i, p, c))
				picture.Pix[4*(i*cifarPlane+p)+c] = cifarPixels(i, p, c)
				picture.Pix[4*(i*cifarPlane+p)+3] = 255
			}
		}
	}
	strips, binaries := t.TempDir(), t.TempDir()
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	put(t, out.Bytes(), strips, "test_batch.png")
	put(t, []byte("["+strings.TrimSuffix(string(labels), ",")+"]"), strips, "test_lables.json")
	put(t, record, binaries, "test_batch.bin")
	for name, src := range map[string]string{"strips": strips, "binary": binaries} {
		dst := t.TempDir()
		if _, err := Import(t.Context(), "cifar10", src, dst, Options{Limit: 8, Splits: []string{"fit", "test"}}, nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		d, images := read(t, dst, "test-*.parquet")
		if got := summary(images); got != "4:4 5:5 6:6 7:7" || d.Shape() != [3]int{32, 32, 3} || d.ClassNames()[4] != "deer" {
			t.Errorf("%s: got %s of %v", name, got, d.Shape())
		}
		for _, im := range images {
			for k, got := range im.Pixels {
				if want := cifarPixels(int(im.ID), k/3, k%3); got != want {
					t.Fatalf("%s: image %d, place %d is %d, wanted %d", name, im.ID, k, got, want)
				}
			}
		}
		_, err := Import(t.Context(), "cifar10", src, dst, Options{Splits: []string{"train"}}, nil)
		if err == nil || !strings.Contains(err.Error(), "data_batch_1") && !strings.Contains(err.Error(), "train_lables") {
			t.Errorf("%s: the missing training set gave %v", name, err)
		}
	}
}
