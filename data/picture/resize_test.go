package picture_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"strings"
	"testing"

	"upi/data/picture"
	"upi/data/resample"
)

// formula is a PNG of the picture of the same name, of three channels, in python/make_pictures.py.
func formula(t testing.TB, height, width int, seed uint32) []byte {
	t.Helper()
	p := image.NewRGBA(image.Rect(0, 0, width, height))
	x := seed
	for i := range height * width * 3 {
		x = x*1664525 + 1013904223
		y, rest := i/(width*3), i%(width*3)
		v := byte(x >> 24)
		if seed%2 == 1 {
			v = byte(uint32(y*5+rest/3*3+rest%3*60)/2 + x>>26)
		}
		p.Pix[i/3*4+i%3], p.Pix[i/3*4+3] = v, 255
	}
	var out bytes.Buffer
	if err := png.Encode(&out, p); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestModesLikePython compares with the digests of what Pillow 13.0 makes of pictures of random sizes: its resize and
// ImageOps.pad, and torchvision's Resize and CenterCrop after their documentation (python/make_pictures.py).
func TestModesLikePython(t *testing.T) {
	file, err := os.Open("testdata/modes.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows := 0
	for lines := bufio.NewScanner(file); lines.Scan(); rows++ {
		var row struct {
			From          [3]int
			Mode          picture.Mode
			Size, Shorter int
			Filter        string
			Seed          uint32
			SHA256        string
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		f, err := resample.Parse(row.Filter)
		if err != nil {
			t.Fatal(err)
		}
		o := picture.Options{Resize: picture.Resize{Mode: row.Mode, Size: row.Size, Shorter: row.Shorter, Filter: f}}
		if err := o.Check(); err != nil {
			t.Fatal(err)
		}
		got, err := o.Decode(formula(t, row.From[0], row.From[1], row.Seed))
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(got.Bytes); got.Shape != [3]int{row.Size, row.Size, 3} ||
			hex.EncodeToString(sum[:]) != row.SHA256 {
			t.Errorf("%v by %s (%d) differs", row.From, o.Resize, row.Seed)
		}
	}
	if rows < 100 {
		t.Errorf("%d cases", rows)
	}
}

// TestThinPictures: what would be huge if the whole of it were scaled before the cut.
func TestThinPictures(t *testing.T) {
	o := picture.Options{Resize: picture.Resize{Mode: picture.Crop, Size: 224, Shorter: 256}}
	for _, shape := range [][2]int{{1, 60_000}, {60_000, 1}} {
		if got, err := o.Decode(formula(t, shape[0], shape[1], 1)); err != nil || got.Shape != [3]int{224, 224, 3} {
			t.Errorf("%v becomes %v (%v)", shape, got.Shape, err)
		}
	}
}

func TestPresets(t *testing.T) {
	for _, c := range []struct {
		like string
		size int
		want string
	}{
		{"torchvision", 0, "crop 224 of 256, bilinear"},
		{"torchvision", 224, "crop 224 of 256, bilinear"},
		{"torchvision", 112, "crop 112 of 128, bilinear"},
		{"keras", 299, "squash to 299, nearest"},
		{"hf-vit", 0, "squash to 224, bilinear"},
	} {
		if r, err := picture.Like(c.like, c.size); err != nil || r.String() != c.want || r.Check() != nil {
			t.Errorf("like %s %d is %v (%v), wanted %s", c.like, c.size, r, err, c.want)
		}
	}
	if _, err := picture.Like("timm", 0); err == nil || !strings.Contains(err.Error(), "torchvision") {
		t.Errorf("an unknown preset gave %v", err)
	}
}

func TestChoices(t *testing.T) {
	for _, c := range []struct {
		choice picture.Choice
		want   string // of the Resize, or in the error
	}{
		{picture.Choice{}, "none"},
		{picture.Choice{Size: 224}, "crop 224 of 256, bilinear"},
		{picture.Choice{Size: 224, Shorter: 224, Filter: "lanczos"}, "crop 224 of 224, lanczos"},
		{picture.Choice{Size: 32}, "crop 32 of 32, bilinear"},
		{picture.Choice{Size: 224, Mode: "pad", Filter: "bicubic"}, "pad to 224, bicubic"},
		{picture.Choice{Like: "hf-vit", Size: 384}, "squash to 384, bilinear"},
		{picture.Choice{Like: "hf-vit", Filter: "bicubic"}, "one or the other"},
		{picture.Choice{Like: "torchvision", Size: 1 << 20}, "1..4096"},
		{picture.Choice{Filter: "bicubic"}, "1..4096"},
		{picture.Choice{Size: 9, Filter: "box"}, "nearest"},
		{picture.Choice{Size: 9, Mode: "256"}, "[crop squash pad]"},
	} {
		r, err := c.choice.Resize()
		if got := r.String(); err == nil && got != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v is %s (%v), wanted %s", c.choice, got, err, c.want)
		}
	}
}

func TestRefusedSizes(t *testing.T) {
	for _, r := range []picture.Resize{
		{Size: 3}, {Mode: "stretch", Size: 3}, {Mode: picture.Crop}, {Mode: picture.Crop, Size: 5000},
		{Mode: picture.Crop, Size: 5, Shorter: 4}, {Mode: picture.Pad, Size: 5, Shorter: 6},
	} {
		if err := r.Check(); err == nil {
			t.Errorf("%s passed", fmt.Sprint(r.Mode, r.Size, r.Shorter))
		}
	}
}
