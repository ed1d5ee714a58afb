package data

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
)

// Bounds on one picture, far above what a classifier takes and far below what a machine has.
const (
	maxPixels  = 1 << 24
	maxEncoded = 1 << 26
)

// format is a way in which a picture is encoded.
type format struct {
	name   string
	magic  string
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

// formats has a line for each encoding that is read.
var formats = []format{
	{"PNG", "\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode},
	{"JPEG", "\xff\xd8\xff", jpeg.DecodeConfig, jpeg.Decode},
}

// Decode decodes a PNG or JPEG file, unless it is or claims to be larger than any picture should be.
func Decode(encoded []byte) (image.Image, error) {
	f, err := detect(encoded)
	if err != nil {
		return nil, err
	}
	config, err := f.head(encoded)
	if err != nil {
		return nil, err
	}
	return f.body(encoded, config)
}

// detect knows a format by its first bytes.
func detect(data []byte) (format, error) {
	if len(data) > maxEncoded {
		return format{}, fmt.Errorf("the encoded image has %d bytes, more than the %d allowed", len(data), maxEncoded)
	}
	for _, f := range formats {
		if bytes.HasPrefix(data, []byte(f.magic)) {
			return f, nil
		}
	}
	return format{}, fmt.Errorf("the image begins with %q and is neither PNG nor JPEG; convert it", data[:min(len(data), 8)])
}

// head is what a picture says of itself. It is read first, so that a picture that claims to be huge is never decoded.
func (f format) head(data []byte) (image.Config, error) {
	config, err := f.config(bytes.NewReader(data))
	if err != nil {
		return config, fmt.Errorf("decode head of %s: %w; the picture is damaged, drop the row or mend it", f.name, err)
	}
	if config.Width <= 0 || config.Height <= 0 || config.Width > maxPixels/config.Height {
		return config, fmt.Errorf("the %s claims %d x %d pixels, more than the %d allowed", f.name, config.Height, config.Width, maxPixels)
	}
	return config, nil
}

// body decodes a picture whose head has been read.
func (f format) body(data []byte, head image.Config) (image.Image, error) {
	picture, err := f.decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w; the picture is damaged, drop the row or mend it", f.name, err)
	}
	if box := picture.Bounds(); box.Dx() != head.Width || box.Dy() != head.Height {
		return nil, fmt.Errorf("the %s decodes to %d x %d, its head says %d x %d", f.name, box.Dy(), box.Dx(), head.Height, head.Width)
	}
	return picture, nil
}

// shape is that of the bytes that a picture is flattened to.
func (f format) shape(head image.Config) ([3]int, error) {
	channels := 3
	switch head.ColorModel {
	case color.GrayModel:
		channels = 1
	case color.Gray16Model, color.RGBA64Model, color.NRGBA64Model:
		return [3]int{}, fmt.Errorf("the %s has 16 bits per channel; convert it to 8", f.name)
	case color.CMYKModel:
		return [3]int{}, fmt.Errorf("the %s is in CMYK; convert it to RGB", f.name)
	}
	return [3]int{head.Height, head.Width, channels}, nil
}
