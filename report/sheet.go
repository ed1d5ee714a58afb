package report

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	stddraw "image/draw"
	"image/png"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Figures are drawn at two pixels per point, so that they stay sharp on a phone.
const dotsPerInch = 144

// textSize of labels, in points.
const textSize = 8

// A sheet is a white picture that is filled with pictures and text. Its coordinates are pixels from the top left corner.
type sheet struct {
	pixels stddraw.Image
	canvas draw.Canvas
}

func newSheet(width, height int) *sheet {
	canvas := vgimg.NewWith(vgimg.UseWH(points(width), points(height)), vgimg.UseDPI(dotsPerInch))
	return &sheet{canvas.Image(), draw.New(canvas)}
}

func points(pixels int) vg.Length { return vg.Length(pixels) * vg.Inch / dotsPerInch }

func labelStyle(label string, c color.Color) text.Style {
	return text.Style{Color: c, Handler: plot.DefaultTextHandler, Font: fontOf(label, textSize)}
}

// textWidth is the width of a label in pixels.
func textWidth(label string) int {
	return int(math.Ceil(float64(labelStyle(label, color.Black).Width(label) * dotsPerInch / vg.Inch)))
}

// label writes text in a box that is width wide, its middle line at y. A label that is too long is cut.
func (s *sheet) label(x, y, width int, align text.XAlignment, c color.Color, label string) {
	label = printable(label)
	if runes := []rune(label); textWidth(label) > width {
		for len(runes) > 0 && textWidth(string(runes)+"…") > width {
			runes = runes[:len(runes)-1]
		}
		label = string(runes) + "…"
	}
	style := labelStyle(label, c)
	style.XAlign, style.YAlign = align, text.YCenter
	switch align {
	case text.XCenter:
		x += width / 2
	case text.XRight:
		x += width
	}
	s.canvas.FillText(style, vg.Point{X: points(x), Y: points(s.pixels.Bounds().Dy() - y)}, label)
}

// picture draws a picture enlarged without smoothing.
func (s *sheet) picture(x, y, enlarge int, picture image.Image) {
	box := picture.Bounds()
	for j := range box.Dy() * enlarge {
		for i := range box.Dx() * enlarge {
			s.pixels.Set(x+i, y+j, picture.At(box.Min.X+i/enlarge, box.Min.Y+j/enlarge))
		}
	}
}

// fill fills a rectangle.
func (s *sheet) fill(x, y, width, height int, c color.Color) {
	stddraw.Draw(s.pixels, image.Rect(x, y, x+width, y+height), image.NewUniform(c), image.Point{}, stddraw.Src)
}

// frame draws the inner border of a rectangle.
func (s *sheet) frame(x, y, width, height, thick int, c color.Color) {
	s.fill(x, y, width, thick, c)
	s.fill(x, y+height-thick, width, thick, c)
	s.fill(x, y, thick, height, c)
	s.fill(x+width-thick, y, thick, height, c)
}

func (s *sheet) encode() ([]byte, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, s.pixels); err != nil {
		return nil, fmt.Errorf("encode figure: %w", err)
	}
	return b.Bytes(), nil
}

// encodePlot draws a plot of a width and height in pixels.
func encodePlot(p *plot.Plot, width, height int) ([]byte, error) {
	s := newSheet(width, height)
	margin := points(gap)
	p.Draw(draw.Crop(s.canvas, margin, -margin, margin, -margin))
	return s.encode()
}
