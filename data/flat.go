package data

import (
	"fmt"
	"image"
)

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
