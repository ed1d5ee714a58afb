package picture

import (
	"bytes"
	"image"
	"io"
	"strings"

	"golang.org/x/image/bmp"
)

// A head is what a picture says of itself before its pixels.
type head struct {
	height, width int
	// grey says that the picture has one channel of brightness, with or without opacity.
	grey bool
	// deepGrey says that the one channel has 16 bits.
	deepGrey bool
	// inverted says that a fax takes its white for black, which the decoder does not heed.
	inverted    bool
	orientation orientation
}

// A format is a way in which a picture is encoded.
type format struct {
	name string
	// magic is what a file begins with; a question mark stands for any byte.
	magic string
	head  func(file []byte) (head, error)
	// decode makes pixels of 1 or 3 channels, as they lie in the file.
	decode func(file []byte, h head, o Options) (Pixels, error)
}

// formats has a line for each encoding that is read.
var formats = []format{
	{"JPEG", "\xff\xd8\xff", jpegHead, decodeJPEG},
	{"PNG", "\x89PNG\r\n\x1a\n", pngHead, decodePNG},
	{"GIF", "GIF8?a", gifHead, decodeGIF},
	{"BMP", "BM????\x00\x00\x00\x00", plainHead(bmp.DecodeConfig), plainDecode("BMP", bmp.Decode)},
	{"TIFF", "II*\x00", tiffHead, decodeTIFF},
	{"TIFF", "MM\x00*", tiffHead, decodeTIFF},
	{"WebP", "RIFF????WEBP", webpHead, decodeWebP},
}

// Is tells whether a file begins as one of the formats does. It is enough to know a picture by; its content may be damaged.
func Is(file []byte) bool {
	_, err := detect(file)
	return err == nil
}

// detect knows a format by its first bytes.
func detect(file []byte) (format, error) {
	for _, f := range formats {
		if f.begins(file) {
			return f, nil
		}
	}
	if len(file) == 0 {
		return format{}, refuse(NotAPicture, "the picture file is empty; fetch it anew")
	}
	return format{}, refuse(NotAPicture, "the file begins with %q and is none of %s; convert it", file[:min(len(file), 8)],
		strings.Join(Formats(), ", "))
}

func (f format) begins(file []byte) bool {
	if len(file) < len(f.magic) {
		return false
	}
	for i := range len(f.magic) {
		if f.magic[i] != '?' && f.magic[i] != file[i] {
			return false
		}
	}
	return true
}

// plainHead is the head of a format that has no more to say than its size.
func plainHead(config func(io.Reader) (image.Config, error)) func([]byte) (head, error) {
	return func(file []byte) (head, error) {
		c, err := config(bytes.NewReader(file))
		return head{height: c.Height, width: c.Width}, err
	}
}

// plainDecode decodes a format whose pictures need nothing but a change of layout.
func plainDecode(name string, decode func(io.Reader) (image.Image, error)) func([]byte, head, Options) (Pixels, error) {
	return func(file []byte, h head, o Options) (Pixels, error) {
		decoded, err := decode(bytes.NewReader(file))
		if err != nil {
			return Pixels{}, asDamage("decode "+name, err)
		}
		return layout(decoded, o.OnWhite)
	}
}
