package picture

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"slices"
)

func gifHead(file []byte) (head, error) {
	c, err := gif.DecodeConfig(bytes.NewReader(file))
	return head{height: c.Height, width: c.Width}, err
}

// decodeGIF reads the first frame. What it does not cover has its transparent colour, or where it has none the first.
func decodeGIF(file []byte, h head, o Options) (Pixels, error) {
	file, clear := withoutTransparency(file)
	decoded, err := gif.Decode(bytes.NewReader(file))
	if err != nil {
		return Pixels{}, asDamage("decode GIF", err)
	}
	frame, ok := decoded.(*image.Paletted)
	if !ok {
		return Pixels{}, refuse(Unsupported, "a GIF of kind %T is not read; save it anew as PNG", decoded)
	}
	if clear >= 0 && clear < len(frame.Palette) {
		r, g, b, _ := frame.Palette[clear].RGBA()
		frame.Palette[clear] = color.NRGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 0}
	}
	if box := image.Rect(0, 0, h.width, h.height); frame.Rect != box {
		full := image.NewPaletted(box, frame.Palette)
		for i := range full.Pix {
			full.Pix[i] = byte(max(clear, 0))
		}
		for y := frame.Rect.Min.Y; y < frame.Rect.Max.Y; y++ {
			copy(full.Pix[full.PixOffset(frame.Rect.Min.X, y):], frame.Pix[frame.PixOffset(frame.Rect.Min.X,
				y):][:frame.Rect.Dx()])
		}
		frame = full
	}
	return layout(frame, o.OnWhite)
}

// The parts of a GIF that stand before its first frame.
const (
	gifScreen     = 6  // where the logical screen's description begins
	gifBlocks     = 13 // where blocks begin, without a table of colours
	gifExtension  = 0x21
	gifControl    = 0xf9
	gifDescriptor = 0x2c
)

// withoutTransparency is the file with the first frame's transparent colour declared opaque, and that colour's number (-1: there
// is none): image/gif forgets which colour it was that is not seen. A number beyond the colours is left as it is: such pixels
// are black.
func withoutTransparency(file []byte) ([]byte, int) {
	if len(file) < gifBlocks {
		return file, -1
	}
	at := gifBlocks + colours(file[gifScreen+4])*3
	known := colours(file[gifScreen+4])
	control := -1
	for at+2 < len(file) && file[at] == gifExtension {
		if file[at+1] == gifControl && at+6 < len(file) && file[at+2] == 4 && file[at+3]&1 != 0 {
			control = at + 3
		}
		for at += 2; at < len(file) && file[at] != 0; at += 1 + int(file[at]) {
		}
		at++
	}
	if control < 0 || at+9 >= len(file) || file[at] != gifDescriptor {
		return file, -1
	}
	if own := colours(file[at+9]); own > 0 {
		known = own
	}
	clear := int(file[control+3])
	if clear >= known {
		return file, clear
	}
	file = slices.Clone(file)
	file[control] &^= 1
	return file, clear
}

// colours is the length of the table of colours that a byte of flags announces.
func colours(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 2 << (flags & 7)
}
