package imports

import (
	"fmt"
	"image"
	"image/color"
	"os"

	"golang.org/x/image/draw"

	"upi/data"
)

// maxSize bounds the side of what a picture is scaled to.
const maxSize = 4096

// shape is that of the images that fit makes from a picture of the given bounds.
func (o Options) shape(box image.Rectangle) [3]int {
	channels := o.Channels
	if channels == 0 {
		channels = 3
	}
	if o.Size > 0 {
		return [3]int{o.Size, o.Size, channels}
	}
	return [3]int{box.Dy(), box.Dx(), channels}
}

// fit lays a picture out as bytes of the wanted shape: cut and scaled where Size says so, on white where it is
// transparent, in grey by its luminance (ITU-R 601).
func (o Options) fit(picture image.Image, shape [3]int) ([]byte, error) {
	if got := o.shape(picture.Bounds()); got[0] != shape[0] || got[1] != shape[1] {
		return nil, fmt.Errorf("the picture is %d x %d, the first was %d x %d; give them one size with --size", got[0], got[1], shape[0], shape[1])
	}
	box := image.Rect(0, 0, shape[1], shape[0])
	canvas := image.NewRGBA(box)
	draw.Draw(canvas, box, image.White, image.Point{}, draw.Src)
	if from := o.middle(picture.Bounds()); from.Size() == box.Size() {
		draw.Draw(canvas, box, picture, from.Min, draw.Over)
	} else {
		draw.CatmullRom.Scale(canvas, box, picture, from, draw.Over, nil)
	}
	out := make([]byte, 0, shape[0]*shape[1]*shape[2])
	for i := 0; i < len(canvas.Pix); i += 4 {
		if shape[2] == 1 {
			p := canvas.Pix[i:]
			out = append(out, color.GrayModel.Convert(color.RGBA{p[0], p[1], p[2], 255}).(color.Gray).Y)
			continue
		}
		out = append(out, canvas.Pix[i:i+3]...)
	}
	return out, nil
}

// middle is the part of a picture that ends up in the image: the central square that is Size of Resize parts of its
// shorter side.
func (o Options) middle(box image.Rectangle) image.Rectangle {
	if o.Size == 0 {
		return box
	}
	resize := o.Resize
	if resize == 0 {
		resize = o.Size
	}
	side := max(1, (min(box.Dx(), box.Dy())*o.Size+resize/2)/resize)
	corner := box.Min.Add(image.Pt((box.Dx()-side)/2, (box.Dy()-side)/2))
	return image.Rectangle{corner, corner.Add(image.Pt(side, side))}
}

// load decodes a picture file within the bounds that shards have.
func load(path string) (image.Image, error) {
	encoded, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	picture, err := data.Decode(encoded)
	if err != nil {
		return nil, fmt.Errorf("picture %s: %w", path, err)
	}
	return picture, nil
}
