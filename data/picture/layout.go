package picture

import (
	"image"
	"image/color"
)

// layout lays a decoded picture out as bytes of 1 or 3 channels: grey stays grey, a palette is looked up, of 16 bits the upper
// 8 are taken, opacity is dropped or the picture laid on white.
func layout(decoded image.Image, onWhite bool) (Pixels, error) {
	box := decoded.Bounds()
	h, w := box.Dy(), box.Dx()
	l := &layer{bytes: make([]byte, 0, 3*h*w), onWhite: onWhite}
	switch p := decoded.(type) {
	case *image.Gray:
		return greyLines(p.Pix, p.Stride, h, w), nil
	case *image.Gray16:
		return deepGrey(p.Pix, p.Stride, h, w), nil
	case *image.Paletted:
		l.palette(p, h, w)
	case *image.NRGBA:
		for y := range h {
			l.straight(p.Pix[y*p.Stride:][:4*w])
		}
	case *image.RGBA:
		for y := range h {
			l.multiplied(p.Pix[y*p.Stride:][:4*w])
		}
	case *image.NRGBA64:
		for y := range h {
			l.straight(upper(p.Pix[y*p.Stride:][:8*w]))
		}
	case *image.RGBA64:
		for y := range h {
			l.multiplied(upper(p.Pix[y*p.Stride:][:8*w]))
		}
	default:
		return Pixels{}, refuse(Unsupported, "a picture of kind %T is not read; save it anew as PNG", decoded)
	}
	return Pixels{[3]int{h, w, 3}, l.bytes}, nil
}

// A layer collects pixels of three channels.
type layer struct {
	bytes   []byte
	onWhite bool
}

// straight appends pixels of colour and opacity.
func (l *layer) straight(line []byte) {
	if !l.onWhite {
		n := len(l.bytes)
		l.bytes = l.bytes[:n+len(line)/4*3]
		dropAlpha(l.bytes[n:], line)
		return
	}
	for ; len(line) >= 4; line = line[4:] {
		l.bytes = append(l.bytes, overWhite(line[0], line[3]), overWhite(line[1], line[3]), overWhite(line[2], line[3]))
	}
}

// dropAlpha copies the colours of pixels of four bytes.
func dropAlpha(out, line []byte) {
	for len(line) >= 4 && len(out) >= 3 {
		out[0], out[1], out[2] = line[0], line[1], line[2]
		out, line = out[3:], line[4:]
	}
}

// multiplied appends pixels whose colours have been multiplied by their opacity, which is undone first.
func (l *layer) multiplied(line []byte) {
	for i := 0; i+4 <= len(line); i += 4 {
		if a := uint32(line[i+3]); a != 255 {
			for c := range 3 {
				if a == 0 {
					line[i+c] = 0
				} else {
					line[i+c] = byte(min(255*uint32(line[i+c])/a, 255))
				}
			}
		}
	}
	l.straight(line)
}

// overWhite lays a value of opacity a on white, rounded as Pillow's Image.alpha_composite does.
func overWhite(v, a byte) byte {
	const fraction = 7
	sum := (uint32(v)*uint32(a) + 255*(255-uint32(a))) << fraction
	sum += 0x80 << fraction
	return byte((sum>>8 + sum) >> 8 >> fraction)
}

func (l *layer) palette(p *image.Paletted, h, w int) {
	var entries [256][4]byte
	for i, c := range p.Palette {
		if i == len(entries) {
			break
		}
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		if straight, ok := c.(color.NRGBA); ok {
			n = straight // the model would lose the colour of what cannot be seen
		}
		entries[i] = [4]byte{n.R, n.G, n.B, n.A}
	}
	line := make([]byte, 4*w)
	for y := range h {
		for x, index := range p.Pix[y*p.Stride:][:w] {
			copy(line[4*x:], entries[index][:])
		}
		l.straight(line)
	}
}

// upper is the upper byte of each big-endian number of 16 bits.
func upper(line []byte) []byte {
	out := make([]byte, len(line)/2)
	for i := range out {
		out[i] = line[2*i]
	}
	return out
}

func greyLines(pix []byte, stride, h, w int) Pixels {
	out := make([]byte, 0, h*w)
	for y := range h {
		out = append(out, pix[y*stride:][:w]...)
	}
	return Pixels{[3]int{h, w, 1}, out}
}

// deepGrey lays out grey of 16 bits.
func deepGrey(pix []byte, stride, h, w int) Pixels {
	out := make([]byte, 0, h*w)
	for y := range h {
		for line := pix[y*stride:][:2*w]; len(line) > 0; line = line[2:] {
			out = append(out, saturated(line[0], line[1]))
		}
	}
	return Pixels{[3]int{h, w, 1}, out}
}

// saturated cuts a number of 16 bits off at 255, as Pillow does: it takes grey of 16 bits for numbers, not for shades.
func saturated(upper, lower byte) byte {
	if upper != 0 {
		return 255
	}
	return lower
}
