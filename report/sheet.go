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
	// again paints what the sheet holds, but for its pictures, on another canvas. Those are together one picture as large as the sheet, nil
	// where there are none: a PDF of several would have them in an order of chance.
	again    []drawing
	pictures *image.RGBA
}

func newSheet(width, height int) *sheet {
	canvas := vgimg.NewWith(vgimg.UseWH(points(width), points(height)), vgimg.UseDPI(dotsPerInch))
	return &sheet{pixels: canvas.Image(), canvas: draw.New(canvas)}
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
	at := vg.Point{X: points(x), Y: points(s.pixels.Bounds().Dy() - y)}
	s.canvas.FillText(style, at, label)
	s.again = append(s.again, func(c draw.Canvas) { c.FillText(style, at, label) })
}

// box is a rectangle of pixels on a canvas.
func (s *sheet) box(x, y, width, height int) vg.Rectangle {
	bottom := s.pixels.Bounds().Dy() - y - height
	return vg.Rectangle{Min: vg.Point{X: points(x), Y: points(bottom)}, Max: vg.Point{X: points(x + width), Y: points(bottom + height)}}
}

// picture draws a picture enlarged without smoothing.
func (s *sheet) picture(x, y, enlarge int, picture image.Image) {
	box := picture.Bounds()
	large := image.NewRGBA(image.Rect(0, 0, box.Dx()*enlarge, box.Dy()*enlarge))
	for j := range box.Dy() * enlarge {
		for i := range box.Dx() * enlarge {
			large.Set(i, j, picture.At(box.Min.X+i/enlarge, box.Min.Y+j/enlarge))
		}
	}
	at := image.Rect(x, y, x+large.Rect.Dx(), y+large.Rect.Dy())
	stddraw.Draw(s.pixels, at, large, image.Point{}, stddraw.Src)
	if s.pictures == nil {
		s.pictures = image.NewRGBA(s.pixels.Bounds())
		stddraw.Draw(s.pictures, s.pictures.Rect, image.White, image.Point{}, stddraw.Src)
	}
	stddraw.Draw(s.pictures, at, large, image.Point{}, stddraw.Src)
}

// fill fills a rectangle.
func (s *sheet) fill(x, y, width, height int, c color.Color) {
	stddraw.Draw(s.pixels, image.Rect(x, y, x+width, y+height), image.NewUniform(c), image.Point{}, stddraw.Src)
	place := s.box(x, y, width, height)
	s.again = append(s.again, func(canvas draw.Canvas) {
		canvas.SetColor(c)
		canvas.Fill(place.Path())
	})
}

// frame draws the inner border of a rectangle.
func (s *sheet) frame(x, y, width, height, thick int, c color.Color) {
	s.fill(x, y, width, thick, c)
	s.fill(x, y+height-thick, width, thick, c)
	s.fill(x, y, thick, height, c)
	s.fill(x+width-thick, y, thick, height, c)
}

// scale draws a bar of the colours of a heat map, from low at its bottom to high at its top, with both numbers beside it.
func (s *sheet) scale(x, y, height int, low, high float64) {
	bar := image.NewRGBA(image.Rect(0, 0, scaleWidth, height))
	for j := range height {
		stddraw.Draw(bar, image.Rect(0, j, scaleWidth, j+1), image.NewUniform(heatColour(float64(height-1-j), float64(height-1))), image.Point{}, stddraw.Src)
	}
	s.picture(x, y, 1, bar)
	s.label(x+scaleWidth+4, y+line/3, scaleText, text.XLeft, color.Black, number(high))
	s.label(x+scaleWidth+4, y+height-line/3, scaleText, text.XLeft, color.Black, number(low))
}

// Widths of the bar of a scale and of the numbers beside it, in pixels.
const (
	scaleWidth = 18
	scaleText  = 76
)

// finish encodes what the sheet holds.
func (s *sheet) finish(f figure) (figure, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, s.pixels); err != nil {
		return f, fmt.Errorf("encode figure: %w", err)
	}
	f.PNG = b.Bytes()
	var err error
	box := s.pixels.Bounds()
	f.SVG, f.PDF, err = vectors(box.Dx(), box.Dy(), func(c draw.Canvas) {
		if s.pictures != nil {
			c.DrawImage(s.box(0, 0, box.Dx(), box.Dy()), s.pictures)
		}
		for _, paint := range s.again {
			paint(c)
		}
	})
	return f, err
}

// finishPlot encodes a plot of a width and height in pixels.
func finishPlot(f figure, p *plot.Plot, width, height int) (figure, error) {
	s := newSheet(width, height)
	margin := points(gap)
	paint := func(c draw.Canvas) { p.Draw(draw.Crop(c, margin, -margin, margin, -margin)) }
	paint(s.canvas)
	s.again = append(s.again, paint)
	return s.finish(f)
}
