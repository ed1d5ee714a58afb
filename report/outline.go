package report

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
)

// outlined is a canvas that draws letters as shapes. So a figure looks the same wherever it is opened, whatever fonts are there, and has any
// letter that some font of this machine has.
type outlined struct {
	vg.CanvasSizer
	// mirrors says that the canvas draws pictures upside down, as that of PDF does, whose axis it turns round for all else.
	mirrors bool
}

// DrawImage draws a picture with its first row at the top.
func (o outlined) DrawImage(place vg.Rectangle, picture image.Image) {
	if o.mirrors {
		box := picture.Bounds()
		turned := image.NewRGBA(image.Rect(0, 0, box.Dx(), box.Dy()))
		for y := range box.Dy() {
			for x := range box.Dx() {
				turned.Set(x, box.Dy()-1-y, picture.At(box.Min.X+x, box.Min.Y+y))
			}
		}
		picture = turned
	}
	o.CanvasSizer.DrawImage(place, picture)
}

// FillString draws text from pt on, along the line that its letters stand on.
func (o outlined) FillString(f font.Face, pt vg.Point, text string) {
	var b sfnt.Buffer
	perEm := fixed.Int26_6(f.Face.UnitsPerEm()) // so that all lengths come in the font's own units
	scale := f.Font.Size / vg.Length(perEm)
	at := func(p fixed.Point26_6) vg.Point {
		return vg.Point{X: pt.X + vg.Length(p.X)*scale, Y: pt.Y - vg.Length(p.Y)*scale}
	}
	var previous sfnt.GlyphIndex
	for _, r := range text {
		glyph, err := f.Face.GlyphIndex(&b, r)
		if err != nil {
			continue
		}
		if previous != 0 {
			if kern, err := f.Face.Kern(&b, previous, glyph, perEm, 0); err == nil {
				pt.X += vg.Length(kern) * scale
			}
		}
		previous = glyph
		segments, err := f.Face.LoadGlyph(&b, glyph, perEm, nil)
		if err == nil && len(segments) > 0 {
			var path vg.Path
			for i, s := range segments {
				switch s.Op {
				case sfnt.SegmentOpMoveTo:
					if i > 0 {
						path.Close()
					}
					path.Move(at(s.Args[0]))
				case sfnt.SegmentOpLineTo:
					path.Line(at(s.Args[0]))
				case sfnt.SegmentOpQuadTo:
					path.QuadTo(at(s.Args[0]), at(s.Args[1]))
				case sfnt.SegmentOpCubeTo:
					path.CubeTo(at(s.Args[0]), at(s.Args[1]), at(s.Args[2]))
				}
			}
			path.Close()
			o.Fill(path)
		}
		if advance, err := f.Face.GlyphAdvance(&b, glyph, perEm, 0); err == nil {
			pt.X += vg.Length(advance) * scale
		}
	}
}

// A drawing paints a figure on a canvas of its size.
type drawing func(c draw.Canvas)

// vectors returns a drawing as SVG and as PDF; width and height are in pixels of the PNG.
func vectors(width, height int, paint drawing) (svg, pdf []byte, err error) {
	// A figure that is drawn again has the same bytes.
	fpdf.SetDefaultCreationDate(time.Unix(0, 0).UTC())
	fpdf.SetDefaultModificationDate(time.Unix(0, 0).UTC())
	fpdf.SetDefaultCatalogSort(true)
	w, h := points(width), points(height)
	var out [2]bytes.Buffer
	for i, canvas := range []interface {
		vg.CanvasSizer
		io.WriterTo
	}{vgsvg.New(w, h), vgpdf.New(w, h)} {
		paint(draw.New(outlined{canvas, i == 1}))
		if _, err := canvas.WriteTo(&out[i]); err != nil {
			return nil, nil, fmt.Errorf("encode figure: %w", err)
		}
	}
	return out[0].Bytes(), out[1].Bytes(), nil
}
