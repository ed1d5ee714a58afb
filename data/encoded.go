package data

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"

	"github.com/apache/arrow/go/v15/parquet"

	"upi/data/column"
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

// pixels is the column of pictures.
type pixels interface {
	// shape looks at the first picture, of a column from which nothing has been read yet.
	shape() ([3]int, error)
	// next is the next picture as H x W x C bytes; one of another shape is an error.
	next(shape [3]int) ([]byte, error)
}

// encoded is a column of PNG or JPEG files.
type encoded struct {
	cursor *column.Cursor[parquet.ByteArray]
}

// openEncoded takes a struct's field "bytes", or a column of its own.
func openEncoded(f *column.File, name string, leaves []column.Leaf) (pixels, error) {
	for _, leaf := range leaves {
		if within := leaf.Within(); within != "bytes" && within != "" {
			continue
		}
		if leaf.PhysicalType() != parquet.Types.ByteArray || leaf.MaxRepetitionLevel() > 0 {
			return nil, fmt.Errorf("column %q of %s is stored as %s, wanted the bytes of PNG or JPEG files", leaf.Path(), f.Path(), leaf.PhysicalType())
		}
		cursor, err := column.NewCursor[parquet.ByteArray](f, leaf)
		return encoded{cursor}, err
	}
	return nil, fmt.Errorf("column %q of %s has no field \"bytes\"; embed the pictures in the file, paths alone are not followed", name, f.Path())
}

func (e encoded) shape() ([3]int, error) {
	data, format, err := e.take()
	if err != nil {
		return [3]int{}, err
	}
	return format.shape(data)
}

func (e encoded) next(shape [3]int) ([]byte, error) {
	data, format, err := e.take()
	if err != nil {
		return nil, err
	}
	// The head is checked first, so that a picture that claims to be huge is never decoded.
	got, err := format.shape(data)
	if err != nil {
		return nil, err
	}
	if got != shape {
		return nil, fmt.Errorf("the image is %s, the dataset's are %s; import the set with one size ('upi import parquet' with --size)", shapeString(got), shapeString(shape))
	}
	picture, err := format.decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w; the picture is damaged, drop the row or mend it", format.name, err)
	}
	return flatten(picture, shape)
}

// take is the next picture as stored. The bytes live until the next call.
func (e encoded) take() ([]byte, format, error) {
	data, ok, err := e.cursor.Next()
	if err != nil {
		return nil, format{}, err
	}
	if !ok {
		return nil, format{}, errors.New("the image is NULL; drop the row or embed the picture")
	}
	if len(data) > maxEncoded {
		return nil, format{}, fmt.Errorf("the encoded image has %d bytes, more than the %d allowed", len(data), maxEncoded)
	}
	for _, f := range formats {
		if bytes.HasPrefix(data, []byte(f.magic)) {
			return data, f, nil
		}
	}
	return nil, format{}, fmt.Errorf("the image begins with %q and is neither PNG nor JPEG; convert it", data[:min(len(data), 8)])
}

// shape is what the head of a picture says, within bounds.
func (f format) shape(data []byte) ([3]int, error) {
	config, err := f.config(bytes.NewReader(data))
	if err != nil {
		return [3]int{}, fmt.Errorf("decode head of %s: %w; the picture is damaged, drop the row or mend it", f.name, err)
	}
	if config.Width <= 0 || config.Height <= 0 || config.Width > maxPixels/config.Height {
		return [3]int{}, fmt.Errorf("the %s claims %d x %d pixels, more than the %d allowed", f.name, config.Height, config.Width, maxPixels)
	}
	channels := 3
	switch config.ColorModel {
	case color.GrayModel:
		channels = 1
	case color.Gray16Model, color.RGBA64Model, color.NRGBA64Model:
		return [3]int{}, fmt.Errorf("the %s has 16 bits per channel; convert it to 8", f.name)
	case color.CMYKModel:
		return [3]int{}, fmt.Errorf("the %s is in CMYK; convert it to RGB", f.name)
	}
	return [3]int{config.Height, config.Width, channels}, nil
}

// flatten lays a decoded picture out as H x W x C bytes.
func flatten(picture image.Image, shape [3]int) ([]byte, error) {
	h, w, c := shape[0], shape[1], shape[2]
	box := picture.Bounds()
	if box.Dy() != h || box.Dx() != w {
		return nil, fmt.Errorf("the image decodes to %d x %d, its head says %d x %d", box.Dy(), box.Dx(), h, w)
	}
	out := make([]byte, h*w*c)
	if gray, ok := picture.(*image.Gray); ok && c == 1 {
		for y := range h {
			copy(out[y*w:(y+1)*w], gray.Pix[y*gray.Stride:])
		}
		return out, nil
	}
	if opaque, ok := picture.(interface{ Opaque() bool }); ok && !opaque.Opaque() {
		return nil, errors.New("the image has transparent pixels; flatten it on a background first")
	}
	switch p := picture.(type) {
	case *image.RGBA:
		dropAlpha(out, p.Pix, p.Stride, h, w)
	case *image.NRGBA:
		dropAlpha(out, p.Pix, p.Stride, h, w)
	case *image.YCbCr:
		for i := range h * w {
			at := p.YCbCrAt(box.Min.X+i%w, box.Min.Y+i/w)
			out[3*i], out[3*i+1], out[3*i+2] = color.YCbCrToRGB(at.Y, at.Cb, at.Cr)
		}
	case *image.Paletted:
		for i := range h * w {
			// A pixel past the end of the palette is refused by the decoder.
			r, g, b, _ := p.At(box.Min.X+i%w, box.Min.Y+i/w).RGBA()
			out[3*i], out[3*i+1], out[3*i+2] = byte(r>>8), byte(g>>8), byte(b>>8)
		}
	default:
		return nil, fmt.Errorf("an image of kind %T is not read; convert it to RGB or grey", picture)
	}
	return out, nil
}

func dropAlpha(out, pix []byte, stride, h, w int) {
	for y := range h {
		line := pix[y*stride:]
		for x := range w {
			copy(out[(y*w+x)*3:][:3], line[4*x:])
		}
	}
}
