package report

import (
	"image"
	"image/color"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/recorder"
	"gonum.org/v1/plot/vg/vgimg"
)

// TestPicturesStandUpright: where a canvas mirrors pictures, they are handed to it mirrored, and else as they are.
func TestPicturesStandUpright(t *testing.T) {
	picture := image.NewGray(image.Rect(0, 0, 1, 2))
	picture.SetGray(0, 0, color.Gray{Y: 200})
	for _, mirrors := range []bool{false, true} {
		canvas := &keeping{CanvasSizer: vgimg.New(10, 10)}
		outlined{canvas, mirrors}.DrawImage(vg.Rectangle{Max: vg.Point{X: 10, Y: 10}}, picture)
		top, _, _, _ := canvas.picture.At(0, 0).RGBA()
		if (top>>8 == 200) == mirrors {
			t.Errorf("mirrors %v: the first row is of %d", mirrors, top>>8)
		}
	}
}

type keeping struct {
	vg.CanvasSizer
	picture image.Image
}

func (k *keeping) DrawImage(_ vg.Rectangle, picture image.Image) { k.picture = picture }

// TestLettersAreShapes: a text is drawn as one shape for each letter, and takes the width that the font says.
func TestLettersAreShapes(t *testing.T) {
	var record recorder.Canvas
	font := labelStyle("Hill", color.Black).Font
	face := labelStyle("Hill", color.Black).Handler.Cache().Lookup(font, font.Size)
	outlined{CanvasSizer: sized{&record}}.FillString(face, vg.Point{}, "Hill i")
	fills := 0
	var last vg.Length
	for _, action := range record.Actions {
		if f, ok := action.(*recorder.Fill); ok {
			fills++
			for _, c := range f.Path {
				last = max(last, c.Pos.X)
			}
		}
	}
	if width := face.Width("Hill i"); fills != 5 || last > width || last < width*9/10 {
		t.Errorf("%d shapes, the last of which ends at %v of %v", fills, last, width)
	}
}

type sized struct{ vg.Canvas }

func (sized) Size() (x, y vg.Length) { return 100, 100 }
