package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/jpeg"
	"image/png"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// maxWeight bounds the pictures of a page, in bytes: a page is mailed and opened on phones. Figures beyond it lie beside the page.
const maxWeight = 2 << 20

// jpegQuality keeps pictures free of visible blocks at the size in which they are shown.
const jpegQuality = 85

// A light figure is one as the page holds it.
type light struct {
	kind          string // of its content: png or jpeg
	content       []byte
	width, height int
}

// light packs a figure for the page: as a PNG that is pressed as hard as can be or, where that is less than half, as a JPEG.
func (f figure) light() (light, error) {
	picture, err := png.Decode(bytes.NewReader(f.PNG))
	if err != nil {
		return light{}, fmt.Errorf("show figure %s: %w", f.Name, err)
	}
	box := picture.Bounds()
	small := light{"png", f.PNG, box.Dx(), box.Dy()}
	var pressed, lossy bytes.Buffer
	if err := png.Encode(&pressed, fewColours(picture)); err != nil {
		return light{}, fmt.Errorf("show figure %s: %w", f.Name, err)
	}
	if err := jpeg.Encode(&lossy, picture, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return light{}, fmt.Errorf("show figure %s: %w", f.Name, err)
	}
	if pressed.Len() < len(small.content) {
		small.content = pressed.Bytes()
	}
	if 2*lossy.Len() < len(small.content) {
		small.kind, small.content = "jpeg", lossy.Bytes()
	}
	return small, nil
}

// lighten makes figures for the page, on all cores.
func lighten(figures []figure) ([]light, error) {
	lights := make([]light, len(figures))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range figures {
		group.Go(func() (err error) {
			lights[i], err = f.light()
			return err
		})
	}
	return lights, group.Wait()
}

func (l light) shown(f figure) shownFigure {
	source := template.URL("data:image/" + l.kind + ";base64," + base64.StdEncoding.EncodeToString(l.content))
	return shownFigure{source, l.width, l.height, printable(f.Caption)}
}

// fewColours gives a picture of at most 256 colours a palette, which takes a quarter of the place; others are left as they are.
func fewColours(picture image.Image) image.Image {
	box := picture.Bounds()
	indexed := image.NewPaletted(box, nil)
	number := map[uint32]uint8{}
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			c := picture.At(x, y)
			r, g, b, a := c.RGBA()
			key := r>>8<<24 | g>>8<<16 | b>>8<<8 | a>>8
			i, known := number[key]
			if !known {
				if len(indexed.Palette) == 256 {
					return picture
				}
				i = uint8(len(indexed.Palette))
				number[key] = i
				indexed.Palette = append(indexed.Palette, c)
			}
			indexed.Pix[indexed.PixOffset(x, y)] = i
		}
	}
	return indexed
}
