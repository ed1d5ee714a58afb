package picture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upi/data/picture"
	"upi/savedmodels/runtime"
)

// segment is a JPEG's segment.
func segment(marker byte, content ...byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(content)+2)), content...)
}

func TestRefusedHeads(t *testing.T) {
	soi, eoi, scan := []byte{0xff, 0xd8}, []byte{0xff, 0xd9}, segment(0xda, 1, 1, 0, 0, 63, 0)
	frame := func(marker byte, depth, h, w, channels int) []byte {
		content := append([]byte{byte(depth)}, byte(h>>8), byte(h), byte(w>>8), byte(w), byte(channels))
		return segment(marker, append(content, make([]byte, 3*channels)...)...)
	}
	bomb := slices.Concat(soi, frame(0xc2, 8, 100, 100, 1), bytes.Repeat(scan, 501))
	for name, c := range map[string]struct {
		file   []byte
		reason picture.Reason
		text   string
	}{
		"empty":    {nil, picture.NotAPicture, "is empty"},
		"text":     {[]byte("<html>"), picture.NotAPicture, "none of JPEG, PNG, GIF, BMP, TIFF, WebP"},
		"a wave":   {[]byte("RIFF\x10\x00\x00\x00WAVEfmt "), picture.NotAPicture, "RIFF"},
		"huge":     {slices.Concat(soi, frame(0xc0, 8, 65535, 65535, 3), scan, eoi), picture.TooLarge, "65535 x 65535"},
		"no frame": {slices.Concat(soi, scan), picture.Damaged, "before it has a size"},
		"no scan":  {slices.Concat(soi, frame(0xc0, 8, 9, 9, 3)), picture.Damaged, "cut short"},
		"two frames": {slices.Concat(soi, frame(0xc0, 8, 9, 9, 3), frame(0xc0, 8, 9000, 9000, 3), scan), picture.Damaged,
			"twice"},
		"a frame in DNL":  {slices.Concat(soi, frame(0xc0, 8, 0, 9, 3), scan), picture.Damaged, "0 x 9"},
		"12 bits":         {slices.Concat(soi, frame(0xc1, 12, 9, 9, 3), scan), picture.Unsupported, "12 bits"},
		"two channels":    {slices.Concat(soi, frame(0xc0, 8, 9, 9, 2), scan), picture.Unsupported, "2 channels"},
		"lossless":        {slices.Concat(soi, frame(0xc3, 8, 9, 9, 3), scan), picture.Unsupported, "lossless"},
		"arithmetic":      {slices.Concat(soi, frame(0xc9, 8, 9, 9, 3), scan), picture.Unsupported, "arithmetically"},
		"short frame":     {slices.Concat(soi, segment(0xc0, 8, 0, 9), scan), picture.Damaged, "3 bytes"},
		"long segment":    {slices.Concat(soi, []byte{0xff, 0xe0, 0xff, 0xff, 0}), picture.Damaged, "beyond its end"},
		"bomb of scans":   {bomb, picture.Unsupported, "500 scans"},
		"empty WebP":      {webpOf("ANIM"), picture.Damaged, "WebP"},
		"damaged PNG":     {[]byte("\x89PNG\r\n\x1a\nxxxxxxxxxxxx"), picture.Damaged, "PNG"},
		"damaged TIFF":    {[]byte("II*\x00\xff\xff\xff\xff"), picture.Damaged, "TIFF"},
		"damaged GIF":     {[]byte("GIF89a\x01"), picture.Damaged, "GIF"},
		"damaged BMP":     {[]byte("BM\x00\x00\x00\x00\x00\x00\x00\x00\x01"), picture.Damaged, "BMP"},
		"no end":          {slices.Concat(soi, frame(0xc0, 8, 9, 9, 3), scan), picture.Damaged, "cut short"},
		"no pixels":       {slices.Concat(soi, frame(0xc0, 8, 9, 9, 3), scan, eoi), picture.Damaged, "decode JPEG"},
		"huge TIFF":       {tiffOf(60_000, 60_000), picture.TooLarge, "60000"},
		"TIFF bits":       {tiffOf(9, 9, [2]uint32{266, 2}), picture.Unsupported, "bits in the wrong order"},
		"TIFF prediction": {tiffOf(9, 9, [2]uint32{317, 3}), picture.Unsupported, "floating-point"},
		"TIFF fax":        {tiffOf(9, 9, [2]uint32{259, 3}, [2]uint32{292, 1}), picture.Unsupported, "two-dimensional"},
		"TIFF of floats":  {tiffOf(9, 9, [2]uint32{339, 3}), picture.Unsupported, "sample format"},
		"TIFF kept large": {tiffOf(5_000, 5_000), picture.TooLarge, "16777216 allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := picture.Options{JPEG: runtime.DecodeJPEG}.Decode(c.file)
			var refused *picture.Error
			if !errors.As(err, &refused) || refused.Reason != c.reason || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %v, wanted %q: %s", err, c.reason, c.text)
			}
		})
	}
}

func webpOf(name string) []byte {
	chunk := append([]byte(name), 4, 0, 0, 0, 0, 0, 0, 0)
	return slices.Concat([]byte("RIFF"), []byte{byte(4 + len(chunk)), 0, 0, 0}, []byte("WEBP"), chunk)
}

// tiffOf is the head of a TIFF: grey, unless more tags make it something else.
func tiffOf(h, w uint32, more ...[2]uint32) []byte {
	entries := append([][2]uint32{{256, w}, {257, h}, {258, 8}, {262, 1}}, more...)
	slices.SortFunc(entries, func(a, b [2]uint32) int { return int(a[0]) - int(b[0]) })
	file := append([]byte("II*\x00\x08\x00\x00\x00"), byte(len(entries)), 0)
	for _, entry := range entries {
		file = binary.LittleEndian.AppendUint16(file, uint16(entry[0]))
		file = binary.LittleEndian.AppendUint16(file, 4)
		file = binary.LittleEndian.AppendUint32(file, 1)
		file = binary.LittleEndian.AppendUint32(file, entry[1])
	}
	return append(file, 0, 0, 0, 0)
}

// TestWithoutDecoder: no reader makes pixels of a JPEG by another decoder than the one that it was given.
func TestWithoutDecoder(t *testing.T) {
	file := read(t, filepath.Join(folder, "q75-2.jpg"))
	var refused *picture.Error
	if _, err := (picture.Options{}).Decode(file); !errors.As(err, &refused) || refused.Reason != picture.NoDecoder {
		t.Errorf("error %v", err)
	}
	if shape, err := (picture.Options{}).Shape(file); err != nil || shape != [3]int{19, 26, 3} {
		t.Errorf("the head alone says %v (%v)", shape, err)
	}
}

// TestCutShort: a JPEG or PNG of which the end is missing is an error, at whatever place it ends, as it is for Pillow.
func TestCutShort(t *testing.T) {
	for _, name := range []string{"q75-2.jpg", "progressive.jpg", "optimised.jpg", "grey.jpg", "cmyk.jpg", "rgb.png",
		"palette.png", "lossless.webp"} {
		file := read(t, filepath.Join(folder, name))
		for n := 0; n < len(file)-16; n += 1 + len(file)/97 {
			if _, err := (picture.Options{JPEG: runtime.DecodeJPEG}).Decode(file[:n]); err == nil {
				t.Errorf("the first %d of %d bytes of %s were decoded", n, len(file), name)
			}
		}
	}
}

// TestDamaged changes bytes of every picture: whatever comes, it is pixels of the size that the head says, or an error with a
// reason.
func TestDamaged(t *testing.T) {
	o := picture.Options{JPEG: runtime.DecodeJPEG, OnWhite: true}
	source := rand.New(rand.NewPCG(1, 2))
	decoded, refused := 0, 0
	for _, path := range pictures(t) {
		original := read(t, path)
		for range 60 {
			file := slices.Clone(original)
			for range 1 + source.IntN(4) {
				file[source.IntN(len(file))] = byte(source.Uint32())
			}
			if check(t, o, file) {
				decoded++
			} else {
				refused++
			}
		}
	}
	if decoded < 100 || refused < 100 {
		t.Errorf("%d damaged pictures were decoded, %d refused: the test has lost its meaning", decoded, refused)
	}
}

// check decodes what may be anything and tells whether it is a picture.
func check(t *testing.T, o picture.Options, file []byte) bool {
	t.Helper()
	shape, headErr := o.Shape(file)
	got, err := o.Decode(file)
	if err != nil {
		var refused *picture.Error
		if !errors.As(err, &refused) {
			t.Fatalf("an error without a reason: %v", err)
		}
		return false
	}
	if headErr != nil || got.Shape != shape || len(got.Bytes) != shape[0]*shape[1]*shape[2] {
		t.Fatalf("%d bytes of %v, the head says %v (%v)", len(got.Bytes), got.Shape, shape, headErr)
	}
	return true
}

// FuzzDecode reads whatever bytes there are as a picture. Pictures of more than a million pixels are left to their heads.
func FuzzDecode(f *testing.F) {
	for _, path := range pictures(f) {
		f.Add(read(f, path))
	}
	o := picture.Options{JPEG: runtime.DecodeJPEG}
	f.Fuzz(func(t *testing.T, file []byte) {
		if shape, err := o.Shape(file); err == nil && shape[0]*shape[1] > 1<<20 {
			return
		}
		check(t, o, file)
	})
}

// TestDamagedOrientation: EXIF data that are none do not turn a picture.
func TestDamagedOrientation(t *testing.T) {
	o := picture.Options{JPEG: runtime.DecodeJPEG}
	file := read(t, filepath.Join(folder, "turned6.jpg"))
	if shape, err := o.Shape(file); err != nil || shape != [3]int{26, 19, 3} {
		t.Fatalf("orientation 6 gives %v (%v)", shape, err)
	}
	at := bytes.Index(file, []byte("MM\x00*"))
	for name, change := range map[string]func(file []byte){
		"another version":       func(file []byte) { file[at+2] = 0x7b },
		"another order":         func(file []byte) { file[at] = 'X' },
		"a directory elsewhere": func(file []byte) { file[at+4] = 0xff },
		"text for a number":     func(file []byte) { file[at+13] = 2 },
		"two numbers":           func(file []byte) { file[at+17] = 2 },
		"orientation 9":         func(file []byte) { file[at+19] = 9 },
	} {
		damaged := slices.Clone(file)
		change(damaged)
		if shape, err := o.Shape(damaged); err != nil || shape != [3]int{19, 26, 3} {
			t.Errorf("%s gives %v (%v)", name, shape, err)
		}
	}
}
