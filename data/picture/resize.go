package picture

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"upi/data/resample"
)

// A Mode is a way to bring a picture to a square of one size.
type Mode string

// The modes.
const (
	// Keep leaves pictures as large as they are.
	Keep Mode = ""
	// Crop scales the shorter side and cuts the square from the middle, as torchvision's Resize and CenterCrop do.
	Crop Mode = "crop"
	// Squash scales both sides, whatever becomes of the proportions.
	Squash Mode = "squash"
	// Pad scales the longer side and fills up with black on both sides, as Pillow's ImageOps.pad does.
	Pad Mode = "pad"
)

// Modes are the modes that change sizes.
var Modes = []Mode{Crop, Squash, Pad}

// maxSize bounds the side of what a picture is scaled to.
const maxSize = 4096

// A Resize brings pictures to Size x Size. Its zero value keeps theirs.
type Resize struct {
	Mode Mode `json:"mode"`
	Size int  `json:"size"`
	// Shorter is what the shorter side is scaled to before Crop cuts; 0 means Size.
	Shorter int `json:"shorter,omitempty"`
	// Filter is bilinear unless it says otherwise.
	Filter resample.Filter `json:"filter"`
}

// presets has a line for each library whose usual preparation of a picture has a name here; Size and Shorter are those for 224.
var presets = map[string]Resize{
	// transforms.Resize(256), CenterCrop(224) on a PIL image
	"torchvision": {Crop, 224, 256, resample.Bilinear},
	// keras.utils.load_img(target_size=(224, 224)), whose interpolation is "nearest"
	"keras": {Squash, 224, 0, resample.Nearest},
	// ViTImageProcessor: size 224 x 224, resample 2
	"hf-vit": {Squash, 224, 0, resample.Bilinear},
}

// Presets are the names that Like knows, sorted.
func Presets() []string {
	var names []string
	for name := range presets {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Like is the way in which a library prepares pictures for its models of size x size (0: 224).
func Like(library string, size int) (Resize, error) {
	r, ok := presets[library]
	if !ok {
		return r, fmt.Errorf("like %q: there is no such preset; there are %s", library, strings.Join(Presets(), ", "))
	}
	if size != 0 && size != r.Size {
		if r.Shorter != 0 {
			r.Shorter = (r.Shorter*size + r.Size/2) / r.Size
		}
		r.Size = size
	}
	return r, nil
}

// Check returns an error for a Resize that cannot be.
func (r Resize) Check() error {
	switch {
	case r.Mode == Keep && (r.Size != 0 || r.Shorter != 0):
		return fmt.Errorf("a size of %d without a mode; choose one of %v", r.Size, Modes)
	case r.Mode == Keep:
		return nil
	case !slices.Contains(Modes, r.Mode):
		return fmt.Errorf("there is no mode %q; there are %v", r.Mode, Modes)
	case r.Size < 1 || r.Size > maxSize:
		return fmt.Errorf("size %d must be in 1..%d", r.Size, maxSize)
	case r.Shorter != 0 && r.Mode != Crop:
		return fmt.Errorf("a shorter side of %d is for mode crop, not for %s", r.Shorter, r.Mode)
	case r.Shorter != 0 && (r.Shorter < r.Size || r.Shorter > maxSize):
		return fmt.Errorf("a shorter side of %d must be in %d..%d: a square of %d is cut from it", r.Shorter, r.Size, maxSize,
			r.Size)
	}
	return nil
}

// String says the whole choice in a few words, as in "crop 224 of 256, bilinear".
func (r Resize) String() string {
	switch r.Mode {
	case Keep:
		return "none"
	case Crop:
		return fmt.Sprintf("crop %d of %d, %s", r.Size, r.shorter(), r.Filter)
	}
	return fmt.Sprintf("%s to %d, %s", r.Mode, r.Size, r.Filter)
}

func (r Resize) shorter() int {
	if r.Shorter == 0 {
		return r.Size
	}
	return r.Shorter
}

// shape is what becomes of height and width.
func (r Resize) shape(height, width int) (int, int) {
	if r.Mode == Keep {
		return height, width
	}
	return r.Size, r.Size
}

func (r Resize) apply(p Pixels) Pixels {
	height, width := p.Shape[0], p.Shape[1]
	switch r.Mode {
	case Crop:
		if height <= width {
			height, width = r.shorter(), longer(width, height, r.shorter())
		} else {
			height, width = longer(height, width, r.shorter()), r.shorter()
		}
		// Half pixels are rounded to even numbers, as Python does.
		return pixels(resample.Part(p.picture(), height, width, r.Filter, middle(height-r.Size), middle(width-r.Size), r.Size,
			r.Size))
	case Squash:
		return pixels(resample.Resize(p.picture(), r.Size, r.Size, r.Filter))
	case Pad:
		if width > height {
			height, width = contained(height, width, r.Size), r.Size
		} else {
			height, width = r.Size, contained(width, height, r.Size)
		}
		return pixels(resample.Resize(p.picture(), height, width, r.Filter)).padded(r.Size)
	}
	return p
}

func (p Pixels) picture() resample.Picture {
	return resample.Picture{Height: p.Shape[0], Width: p.Shape[1], Channels: p.Shape[2], Bytes: p.Bytes}
}

func pixels(p resample.Picture) Pixels {
	return Pixels{[3]int{p.Height, p.Width, p.Channels}, p.Bytes}
}

// longer is what a longer side becomes when the shorter is scaled to size: cut to a whole number, as torchvision does.
func longer(side, shorter, size int) int { return size * side / shorter }

// contained is what a shorter side becomes when the longer is scaled to size, rounded as Pillow's ImageOps.contain does.
func contained(side, longer, size int) int {
	return max(1, int(math.RoundToEven(float64(side)/float64(longer)*float64(size))))
}

func (p Pixels) padded(size int) Pixels {
	h, w, c := p.Shape[0], p.Shape[1], p.Shape[2]
	top, left := middle(size-h), middle(size-w)
	out := make([]byte, size*size*c)
	for y := range h {
		copy(out[((top+y)*size+left)*c:], p.Bytes[y*w*c:][:w*c])
	}
	return Pixels{[3]int{size, size, c}, out}
}

func middle(rest int) int { return int(math.RoundToEven(float64(rest) / 2)) }
