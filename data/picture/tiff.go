package picture

import (
	"bytes"
	"image/color"

	"golang.org/x/image/tiff"
)

func tiffHead(file []byte) (head, error) {
	c, err := tiff.DecodeConfig(bytes.NewReader(file))
	return head{
		height: c.Height, width: c.Width,
		grey:        c.ColorModel == color.GrayModel || c.ColorModel == color.Gray16Model,
		orientation: exifOrientation(file),
	}, err
}
