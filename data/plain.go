package data

import (
	"fmt"

	"upi/data/picture"
)

// rows is a column of pictures that are not encoded.
type rows interface {
	// row is the next picture as H x W x C bytes, with its shape.
	row() ([]byte, [3]int, error)
}

// plain brings the pictures of such a column to the size and the channels asked for.
type plain struct {
	rows
	options picture.Options
}

func (p plain) shape() ([3]int, error) {
	pixels, shape, err := p.row()
	if err != nil || !p.changes() {
		return shape, err
	}
	if err := pictureShape(shape); err != nil {
		return shape, err
	}
	return p.options.Fit(picture.Pixels{Shape: shape, Bytes: pixels}).Shape, nil
}

func (p plain) next(want [3]int) ([]byte, error) {
	pixels, shape, err := p.row()
	if err != nil || shape == want && !p.changes() {
		return pixels, err
	}
	if err := pictureShape(shape); err != nil {
		return nil, err
	}
	return p.options.FitAs(picture.Pixels{Shape: shape, Bytes: pixels}, want)
}

func (p plain) skip() error {
	_, _, err := p.row()
	return err
}

// changes tells whether anything is asked for.
func (p plain) changes() bool {
	return p.options.Channels != 0 || p.options.Resize.Mode != picture.Keep
}

// pictureShape refuses what is no picture: it may have any number of channels, but cannot be scaled.
func pictureShape(shape [3]int) error {
	if shape[2] == 1 || shape[2] == 3 {
		return nil
	}
	return fmt.Errorf("images of %s are no pictures; 1 or 3 channels are", shapeString(shape))
}
