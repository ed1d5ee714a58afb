package report

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot/palette/moreland"
)

// maxSide bounds the sides of a picture, against shapes that a damaged file declares.
const maxSide = 1 << 11

// checkShape says whether n values are an image of the shape H x W x C that can be shown: grey or RGB.
func checkShape(shape []int32, n int) error {
	if len(shape) != 3 {
		return fmt.Errorf("the shape %v is not height, width, channels", shape)
	}
	h, w, c := shape[0], shape[1], shape[2]
	if h < 1 || w < 1 || h > maxSide || w > maxSide || (c != 1 && c != 3) {
		return fmt.Errorf("an image of shape %v cannot be shown: want 1 or 3 channels and sides of 1 to %d", shape, maxSide)
	}
	if int64(n) != int64(h)*int64(w)*int64(c) {
		return fmt.Errorf("%d values are not an image of shape %v", n, shape)
	}
	return nil
}

// pixelsOf shows values at offset + scale * value, cut to 0..255. A value that is not a number becomes black.
func pixelsOf(values []float32, shape []int32, offset, scale float64) image.Image {
	h, w, c := int(shape[0]), int(shape[1]), int(shape[2])
	picture := image.NewRGBA(image.Rect(0, 0, w, h))
	level := func(v float32) uint8 {
		x := offset + scale*float64(v)
		if !(x > 0) {
			return 0
		}
		return uint8(min(255, math.Round(x)))
	}
	for i := range h * w {
		r := level(values[i*c])
		g, b := r, r
		if c == 3 {
			g, b = level(values[i*c+1]), level(values[i*c+2])
		}
		picture.SetRGBA(i%w, i/w, color.RGBA{r, g, b, 255})
	}
	return picture
}

// outside is the share of the values that pixelsOf(values, shape, 0, 1) cuts.
func outside(values []float32) float64 {
	n := 0
	for _, v := range values {
		if !(v >= 0 && v <= 255) {
			n++
		}
	}
	return float64(n) / float64(max(1, len(values)))
}

// largest is the largest magnitude of the finite values.
func largest(values []float32) float64 {
	m := 0.0
	for _, v := range values {
		if a := math.Abs(float64(v)); a > m && !math.IsInf(a, 0) {
			m = a
		}
	}
	return m
}

// heatColours runs from dark to light evenly in brightness, which also those see who do not tell colours apart.
var heatColours = heat()

func heat() []color.Color {
	m := moreland.ExtendedBlackBody()
	m.SetMin(0)
	m.SetMax(1)
	return m.Palette(256).Colors()
}

// heatColour is the colour of v on the scale from 0 to top.
func heatColour(v, top float64) color.Color {
	if math.IsNaN(v) {
		return color.Gray{Y: 128}
	}
	if top <= 0 {
		return heatColours[0]
	}
	i := int(math.Round(v / top * float64(len(heatColours)-1)))
	return heatColours[min(max(i, 0), len(heatColours)-1)]
}

// mapPicture shows a saliency map of H x W values on the scale from 0 to top.
func mapPicture(values []float32, h, w int, top float64) image.Image {
	picture := image.NewRGBA(image.Rect(0, 0, w, h))
	for i, v := range values {
		picture.Set(i%w, i/w, heatColour(float64(v), top))
	}
	return picture
}

// enlargement is the whole number by which a picture is enlarged so that its longer side comes near to size.
func enlargement(h, w, size int) int {
	return max(1, int(math.Round(float64(size)/float64(max(h, w)))))
}

// lineColours are those of Okabe and Ito (2008), which can be told apart with every kind of colour vision; their yellow is
// left out because it is lost on white.
var lineColours = []color.Color{
	color.RGBA{0, 0, 0, 255}, color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}, color.RGBA{0, 158, 115, 255},
	color.RGBA{204, 121, 167, 255}, color.RGBA{86, 180, 233, 255}, color.RGBA{230, 159, 0, 255},
}

// inked is the colour of text that can be read on c.
func inked(c color.Color) color.Color {
	r, g, b, _ := c.RGBA()
	if (299*r+587*g+114*b)/1000 > 0x8000 {
		return color.Black
	}
	return color.White
}
