package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"image"
	"image/png"
	"io"
	"strings"
)

// pngChunks is where the first chunk begins.
const pngChunks = 8

func pngHead(file []byte) (head, error) {
	c, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return head{}, err
	}
	// DecodeConfig has seen that the first chunk is IHDR; of its 13 bytes the ninth is the depth, the tenth the kind of colour.
	depth, colour := file[pngChunks+8+8], file[pngChunks+8+9]
	return head{
		height: c.Height, width: c.Width,
		grey: colour == 0 || colour == 4, deepGrey: colour == 0 && depth == 16,
		orientation: pngOrientation(file),
	}, nil
}

// pngOrientation looks into the chunks that may tell it, wherever they stand.
func pngOrientation(file []byte) orientation {
	var exif, profile, xmp []byte
	for rest := file[pngChunks:]; len(rest) >= 12; {
		size := binary.BigEndian.Uint32(rest)
		if int64(size) > int64(len(rest)-12) {
			break
		}
		content := rest[8 : 8+size]
		switch string(rest[4:8]) {
		case "eXIf":
			exif = content
		case "zTXt", "tEXt":
			if text, ok := bytes.CutPrefix(content, []byte("Raw profile type exif\x00")); ok {
				profile = rawProfile(text, rest[4] == 'z')
			}
		case "iTXt":
			if bytes.HasPrefix(content, []byte("XML:com.adobe.xmp\x00\x00")) {
				xmp = content
			}
		}
		rest = rest[12+size:]
	}
	if exif == nil {
		exif = profile
	}
	return either(exif, xmp)
}

// maxProfile bounds a profile's text.
const maxProfile = 1 << 20

// rawProfile reads EXIF data that ImageMagick has written as lines of hexadecimal digits, after three lines of other things.
func rawProfile(text []byte, packed bool) []byte {
	if packed {
		if len(text) == 0 {
			return nil
		}
		r, err := zlib.NewReader(bytes.NewReader(text[1:]))
		if err != nil {
			return nil
		}
		if text, err = io.ReadAll(io.LimitReader(r, maxProfile)); err != nil {
			return nil
		}
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 4 {
		return nil
	}
	data, err := hex.DecodeString(strings.Join(lines[3:], ""))
	if err != nil {
		return nil
	}
	return data
}

func decodePNG(file []byte, h head, o Options) (Pixels, error) {
	decoded, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return Pixels{}, asDamage("decode PNG", err)
	}
	if deep, ok := decoded.(*image.NRGBA64); ok && h.deepGrey {
		return deepGreyKey(deep, o.OnWhite), nil
	}
	return layout(decoded, o.OnWhite)
}

// deepGreyKey lays out grey of 16 bits in which one shade is transparent, which comes as colours.
func deepGreyKey(p *image.NRGBA64, onWhite bool) Pixels {
	h, w := p.Rect.Dy(), p.Rect.Dx()
	l := &layer{bytes: make([]byte, 0, 3*h*w), onWhite: onWhite}
	for y := range h {
		line := p.Pix[y*p.Stride:][:8*w]
		grey := make([]byte, 0, 4*w)
		for ; len(line) > 0; line = line[8:] {
			v := saturated(line[0], line[1])
			grey = append(grey, v, v, v, line[6])
		}
		l.straight(grey)
	}
	return Pixels{[3]int{h, w, 3}, l.bytes}
}
