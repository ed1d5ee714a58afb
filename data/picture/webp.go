package picture

import (
	"bytes"
	"encoding/binary"
	"image"

	"golang.org/x/image/webp"
)

// webpBlocks is where the first chunk begins.
const webpBlocks = 12

// chunks walks over a WebP's chunks until visit returns false.
func chunks(data []byte, visit func(name string, content []byte) bool) {
	for rest := data; len(rest) >= 8; {
		size := int64(binary.LittleEndian.Uint32(rest[4:]))
		if size > int64(len(rest)-8) || !visit(string(rest[:4]), rest[8:8+size]) {
			return
		}
		rest = rest[min(8+size+size%2, int64(len(rest))):]
	}
}

func webpHead(file []byte) (head, error) {
	var exif, xmp []byte
	chunks(file[webpBlocks:], func(name string, content []byte) bool {
		switch name {
		case "EXIF":
			exif = content
		case "XMP ":
			xmp = content
		}
		return true
	})
	c, err := webp.DecodeConfig(bytes.NewReader(file))
	return head{height: c.Height, width: c.Width, orientation: either(exif, xmp)}, err
}

// decodeWebP reads a picture, of an animation the first one.
func decodeWebP(file []byte, h head, o Options) (Pixels, error) {
	var frame []byte
	transparent := false
	chunks(file[webpBlocks:], func(name string, content []byte) bool {
		switch {
		case name == "VP8X" && len(content) > 0:
			transparent = content[0]&webpAlpha != 0
		case name == "ANMF":
			frame = content
		}
		return frame == nil
	})
	if frame == nil {
		return decodeStill(file, o.OnWhite)
	}
	return decodeFrame(frame, h, o.OnWhite, transparent)
}

func decodeStill(file []byte, onWhite bool) (Pixels, error) {
	decoded, err := webp.Decode(bytes.NewReader(file))
	if err != nil {
		return Pixels{}, asDamage("decode WebP", err)
	}
	switch p := decoded.(type) {
	case *image.YCbCr:
		return lossy(p, nil, 0, false), nil
	case *image.NYCbCrA:
		return lossy(&p.YCbCr, p.A, p.AStride, onWhite), nil
	}
	return layout(decoded, onWhite)
}

// The flag of opacity in a WebP's chunk VP8X, and the length of a frame's head.
const (
	webpAlpha = 0x10
	webpFrame = 16
)

// decodeFrame lays a frame of an animation on its canvas, which is black, or where it is transparent what that becomes.
func decodeFrame(frame []byte, h head, onWhite, transparent bool) (Pixels, error) {
	if len(frame) < webpFrame {
		return Pixels{}, refuse(Damaged, "a frame of the WebP has %d bytes, too few; the picture is damaged: fetch it anew",
			len(frame))
	}
	number := func(at int) int { return int(frame[at]) | int(frame[at+1])<<8 | int(frame[at+2])<<16 }
	left, top, width, height := 2*number(0), 2*number(3), number(6)+1, number(9)+1
	if left+width > h.width || top+height > h.height {
		return Pixels{}, refuse(Damaged,
			"a frame of the WebP is %d x %d at (%d, %d), beyond its %d x %d; the picture is damaged: fetch it anew",
			height, width, top, left, h.height, h.width)
	}
	p, err := decodeStill(still(frame), onWhite)
	if err != nil {
		return p, err
	}
	if p.Shape != [3]int{height, width, 3} {
		return p, refuse(Damaged, "a frame of the WebP is %d x %d, its head says %d x %d; the picture is damaged: fetch it anew",
			p.Shape[0], p.Shape[1], height, width)
	}
	out := make([]byte, 3*h.height*h.width)
	if onWhite && transparent {
		for i := range out {
			out[i] = 255
		}
	}
	for y := range height {
		copy(out[3*((top+y)*h.width+left):], p.Bytes[3*y*width:][:3*width])
	}
	return Pixels{[3]int{h.height, h.width, 3}, out}, nil
}

// still is a frame of an animation as a file of its own.
func still(frame []byte) []byte {
	flags := byte(0)
	chunks(frame[webpFrame:], func(name string, _ []byte) bool {
		if name == "ALPH" {
			flags = webpAlpha
		}
		return true
	})
	file := []byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00")
	file = append(file, flags, 0, 0, 0)
	file = append(file, frame[6:12]...)
	file = append(file, frame[webpFrame:]...)
	binary.LittleEndian.PutUint32(file[4:], uint32(len(file)-8))
	return file
}

// lossy makes colours of a lossy WebP as libwebp does: each of the four pixels over a sample of chroma takes 9 parts of it, 3
// each of its neighbours beside and above or below, and 1 of the one across.
func lossy(p *image.YCbCr, alpha []byte, alphaStride int, onWhite bool) Pixels {
	h, w := p.Rect.Dy(), p.Rect.Dx()
	l := &layer{bytes: make([]byte, 0, 3*h*w), onWhite: onWhite}
	chromaH, chromaW := (h+1)/2, (w+1)/2
	line := make([]byte, 4*w)
	for y := range h {
		near := y / 2 * p.CStride
		far := neighbour(y, chromaH) * p.CStride
		luma := p.Y[y*p.YStride:][:w]
		nearB, farB := p.Cb[near:][:chromaW], p.Cb[far:][:chromaW]
		nearR, farR := p.Cr[near:][:chromaW], p.Cr[far:][:chromaW]
		for x, v := range luma {
			at, beside := x/2, neighbour(x, chromaW)
			cb := spread(nearB[at], nearB[beside], farB[at], farB[beside])
			cr := spread(nearR[at], nearR[beside], farR[at], farR[beside])
			colour(line[4*x:], int32(v), cb, cr)
		}
		if alpha != nil {
			for x, a := range alpha[y*alphaStride:][:w] {
				line[4*x+3] = a
			}
		}
		l.straight(line)
	}
	return Pixels{[3]int{h, w, 3}, l.bytes}
}

// neighbour is the sample next to that of pixel i on the side on which i lies, or at the rim that of i itself.
func neighbour(i, samples int) int {
	return min(max(i/2-1+i%2*2, 0), samples-1)
}

// spread weighs four samples by 9, 3, 3 and 1 sixteenths, with libwebp's rounding in two steps.
func spread(near, beside, above, across byte) int32 {
	n := int32(near)
	return ((n+3*int32(beside)+3*int32(above)+int32(across)+8)>>3 + n) >> 1
}

// colour writes the RGB of one pixel by ITU-R 601's limited range, in libwebp's fixed-point numbers of 6 places.
func colour(out []byte, y, cb, cr int32) {
	scaled := y * 19077 >> 8
	out[0] = narrow(scaled + cr*26149>>8 - 14234)
	out[1] = narrow(scaled - cb*6419>>8 - cr*13320>>8 + 8708)
	out[2] = narrow(scaled + cb*33050>>8 - 17685)
}

func narrow(v int32) byte { return byte(min(max(v>>6, 0), 255)) }
