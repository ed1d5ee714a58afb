package picture

import (
	"bytes"
	"image/color"

	"golang.org/x/image/tiff"
)

// Tags of a TIFF and values that they may have.
const (
	tiffBits        = 258
	tiffCompression = 259
	tiffPhotometric = 262
	tiffFillOrder   = 266
	tiffPlanes      = 284
	tiffFaxOptions  = 292
	tiffPredictor   = 317

	tiffGroup3, tiffGroup4 = 3, 4
	tiffBlackIsZero        = 1
)

// tiffHead refuses what golang.org/x/image/tiff would read wrongly without a word.
func tiffHead(file []byte) (head, error) {
	c, err := tiff.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return head{}, err
	}
	t := tags(file)
	fax := t[tiffCompression] == tiffGroup3 || t[tiffCompression] == tiffGroup4
	_, palette := c.ColorModel.(color.Palette)
	grey := c.ColorModel == color.GrayModel || c.ColorModel == color.Gray16Model
	for _, refused := range []struct {
		is   bool
		what string
	}{
		{t[tiffPlanes] == 2 && !palette && !grey, "a plane for each channel"},
		{t[tiffFillOrder] == 2 && !fax, "bits in the wrong order"},
		{t[tiffPredictor] > 2, "floating-point prediction"},
		{palette && t[tiffBits] != 8, "a palette of other than 8 bits"},
		{t[tiffCompression] == tiffGroup3 && t[tiffFaxOptions]&1 != 0, "two-dimensional fax compression"},
		{c.ColorModel == color.Gray16Model && t[tiffPhotometric] != tiffBlackIsZero, "16 bits of which 0 is white"},
	} {
		if refused.is {
			return head{}, refuse(Unsupported, "the TIFF has %s, which is not read; save it anew as PNG", refused.what)
		}
	}
	return head{
		height: c.Height, width: c.Width, grey: grey, orientation: exifOrientation(file),
		inverted: fax && t[tiffPhotometric] == tiffBlackIsZero,
	}, nil
}

func decodeTIFF(file []byte, h head, o Options) (Pixels, error) {
	decoded, err := tiff.Decode(bytes.NewReader(file))
	if err != nil {
		return Pixels{}, asDamage("decode TIFF", err)
	}
	p, err := layout(decoded, o.OnWhite)
	if err == nil && h.inverted {
		for i, v := range p.Bytes {
			p.Bytes[i] = 255 - v
		}
	}
	return p, err
}
