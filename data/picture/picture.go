// Package picture makes pixels of picture files: the same, to the bit, as Pillow's Image.open(file), ImageOps.exif_transpose,
// convert("RGB") and resize make of them.
package picture

import (
	"fmt"
	"slices"
)

// Bounds on one picture. A picture to be resized may be as large as cameras make them; one that is kept is far smaller.
const (
	MaxPixels       = 1 << 24
	MaxPixelsResize = 1 << 27
	MaxEncoded      = 1 << 26
)

// Options say which pixels a file stands for. Their zero value is what Pillow gives, but for JPEGs, which need a decoder.
type Options struct {
	// Channels is 3 for RGB and 1 for grey; 0 takes what the picture has, and 3 for those of any other kind.
	Channels int `json:"channels,omitempty"`
	// OnWhite lays transparent pictures on white. Otherwise opacity is dropped, whatever colour it hides.
	OnWhite bool `json:"on_white,omitempty"`
	// AsStored leaves pictures as they lie in the file, as TensorFlow does, whatever their EXIF orientation says.
	AsStored bool `json:"as_stored,omitempty"`
	// Resize brings pictures to one size. Its zero value keeps theirs.
	Resize Resize `json:"resize,omitzero"`
	// JPEG decodes JPEGs, which this package cannot do by itself. Without it they are an error: another decoder would give
	// other pixels for the same file.
	JPEG JPEGDecoder `json:"-"`
}

// Pixels are a picture of height x width x channels values 0..255, row-major.
type Pixels struct {
	Shape [3]int
	Bytes []byte
}

// Asks tells whether anything differs from what the zero value gives.
func (o Options) Asks() bool {
	return o.Channels != 0 || o.OnWhite || o.AsStored || o.Resize != Resize{}
}

// Check returns an error for options that no picture can satisfy.
func (o Options) Check() error {
	if o.Channels != 0 && o.Channels != 1 && o.Channels != 3 {
		return fmt.Errorf("channels must be 1 or 3, not %d", o.Channels)
	}
	return o.Resize.Check()
}

// Shape is the shape of what Decode makes of a file, read from the file's head alone.
func (o Options) Shape(file []byte) ([3]int, error) {
	_, h, err := o.head(file)
	if err != nil {
		return [3]int{}, err
	}
	return o.shape(h), nil
}

func (o Options) shape(h head) [3]int {
	height, width, channels := h.height, h.width, o.Channels
	if !o.AsStored && h.orientation.swaps() {
		height, width = width, height
	}
	if channels == 0 {
		channels = 3
		if h.grey {
			channels = 1
		}
	}
	height, width = o.Resize.shape(height, width)
	return [3]int{height, width, channels}
}

// Decode makes pixels of a picture file, which is known by its content. A file that cannot be read, or claims to be larger
// than any picture should be, is an [*Error].
func (o Options) Decode(file []byte) (Pixels, error) {
	f, h, err := o.head(file)
	if err != nil {
		return Pixels{}, err
	}
	return o.body(f, h, file)
}

// DecodeAs is Decode for a set of pictures of one shape: a picture of another one is refused before it is decoded. Grey ones
// become colours where the shape has three channels.
func (o Options) DecodeAs(file []byte, shape [3]int) ([]byte, error) {
	f, h, err := o.head(file)
	if err != nil {
		return nil, err
	}
	if shape[2] == 3 {
		o.Channels = 3
	}
	if err := agree(o.shape(h), shape); err != nil {
		return nil, err
	}
	p, err := o.body(f, h, file)
	return p.Bytes, err
}

// Fit brings pixels that come from no file to the channels and the size asked for.
func (o Options) Fit(p Pixels) Pixels {
	if o.Channels != 0 {
		p = p.channels(o.Channels)
	}
	return o.Resize.apply(p)
}

// FitAs is Fit for a set of pictures of one shape.
func (o Options) FitAs(p Pixels, shape [3]int) ([]byte, error) {
	if shape[2] == 3 {
		o.Channels = 3
	}
	p = o.Fit(p)
	return p.Bytes, agree(p.Shape, shape)
}

// agree returns an error unless a picture is of its set's shape.
func agree(got, want [3]int) error {
	if got == want {
		return nil
	}
	if got[2] != want[2] {
		return refuse(OtherShape,
			"the picture is %s, the set's are %s; make all of them grey or all of them RGB ('upi import' with --channels)",
			shapeString(got), shapeString(want))
	}
	return refuse(OtherShape,
		"the picture is %s, the set's are %s; bring them to one size ('upi import' with --size, or data.resize)",
		shapeString(got), shapeString(want))
}

func shapeString(s [3]int) string { return fmt.Sprintf("%d x %d x %d", s[0], s[1], s[2]) }

func (o Options) body(f format, h head, file []byte) (Pixels, error) {
	got, err := f.decode(file, h, o)
	if err != nil {
		return Pixels{}, err
	}
	if got.Shape[0] != h.height || got.Shape[1] != h.width {
		return Pixels{}, refuse(Damaged, "the %s decodes to %d x %d, its head says %d x %d", f.name, got.Shape[0],
			got.Shape[1], h.height, h.width)
	}
	want := o.shape(h)
	got = got.channels(want[2])
	if !o.AsStored {
		got = h.orientation.apply(got)
	}
	return o.Resize.apply(got), nil
}

// head knows the format of a file and reads its head, so that a picture that claims to be huge is never decoded.
func (o Options) head(file []byte) (format, head, error) {
	if len(file) > MaxEncoded {
		return format{}, head{}, refuse(TooLarge, "the picture file has %d bytes, more than the %d allowed", len(file),
			MaxEncoded)
	}
	f, err := detect(file)
	if err != nil {
		return f, head{}, err
	}
	h, err := f.head(file)
	if err != nil {
		return f, h, asDamage("decode head of "+f.name, err)
	}
	most := MaxPixels
	if o.Resize.Mode != Keep {
		most = MaxPixelsResize
	}
	if h.height <= 0 || h.width <= 0 || h.width > most/h.height {
		return f, h, refuse(TooLarge, "the %s claims %d x %d pixels, more than the %d allowed", f.name, h.height, h.width, most)
	}
	return f, h, nil
}

// channels returns p with so many channels; p's bytes may be shared.
func (p Pixels) channels(n int) Pixels {
	switch have := p.Shape[2]; {
	case have == n:
		return p
	case n == 3:
		out := make([]byte, 0, 3*len(p.Bytes))
		for _, v := range p.Bytes {
			out = append(out, v, v, v)
		}
		return Pixels{[3]int{p.Shape[0], p.Shape[1], 3}, out}
	default:
		out := make([]byte, len(p.Bytes)/3)
		for i := range out {
			out[i] = luminance(p.Bytes[3*i], p.Bytes[3*i+1], p.Bytes[3*i+2])
		}
		return Pixels{[3]int{p.Shape[0], p.Shape[1], 1}, out}
	}
}

// luminance is that of ITU-R 601 in fixed-point numbers, rounded as Pillow's convert("L") does.
func luminance(r, g, b byte) byte {
	return byte((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<15) >> 16)
}

// Formats are the names of the formats that are read.
func Formats() []string {
	var names []string
	for _, f := range formats {
		if !slices.Contains(names, f.name) {
			names = append(names, f.name)
		}
	}
	return names
}
