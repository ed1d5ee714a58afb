package data

import (
	"errors"
	"fmt"
	"image"
	"image/color"
)

// flatten lays a decoded picture out as H x W x C bytes. Full opacity is dropped, a palette is looked up.
func flatten(picture image.Image, shape [3]int) ([]byte, error) {
	h, w, c := shape[0], shape[1], shape[2]
	box := picture.Bounds()
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

// unflatten makes a picture of H x W x C bytes, with 1 or 3 channels. A grey one shares its bytes with pixels.
func unflatten(pixels []byte, shape [3]int) (image.Image, error) {
	h, w := shape[0], shape[1]
	box := image.Rect(0, 0, w, h)
	switch shape[2] {
	case 1:
		return &image.Gray{Pix: pixels, Stride: w, Rect: box}, nil
	case 3:
		rgba := image.NewRGBA(box)
		for i := range h * w {
			copy(rgba.Pix[4*i:], pixels[3*i:3*i+3])
			rgba.Pix[4*i+3] = 255
		}
		return rgba, nil
	}
	return nil, fmt.Errorf("images of %s are no pictures; 1 or 3 channels are", shapeString(shape))
}
