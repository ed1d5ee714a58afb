package data

import (
	"context"
	"fmt"
	"image"
	"io"

	"upi/data/column"
)

// Reader reads the images of one shard in order, holding one page of each column and one image. It belongs to one
// goroutine.
type Reader struct {
	ctx   context.Context
	shard Shard
	file  *column.File
	row   int64 // in the file, from 0

	labels integers
	ids    integers // nil when the file has no id column
	pixels pixels   // nil when only numbers are read
}

func (r *Reader) columns(pictures bool) (err error) {
	if r.file.Rows() < r.shard.Rows {
		return fmt.Errorf("%s had %d images when it was opened first and has %d now: it was changed in between", r.shard.Path, r.shard.Rows, r.file.Rows())
	}
	if r.labels, err = openLabels(r.file); err != nil {
		return err
	}
	if r.ids, err = openIDs(r.file); err != nil {
		return err
	}
	if pictures {
		r.pixels, err = openPixels(r.file)
	}
	return err
}

// Next is the next image, whose Pixels are the caller's to keep. It returns io.EOF after the last one. Errors name the file
// and the row, counted from 0 in the file.
func (r *Reader) Next() (Image, error) {
	image, err := r.numbers()
	if err != nil {
		return Image{}, err
	}
	if image.Pixels, err = r.pixels.next(r.shard.Shape); err != nil {
		return Image{}, r.at(err)
	}
	r.row++
	return image, nil
}

// NextPicture is Next for pictures of any size and kind: the Image has no Pixels.
func (r *Reader) NextPicture() (image.Image, Image, error) {
	numbers, err := r.numbers()
	if err != nil {
		return nil, Image{}, err
	}
	picture, err := r.pixels.picture()
	if err != nil {
		return nil, Image{}, r.at(err)
	}
	r.row++
	return picture, numbers, nil
}

// numbers is the next image without its picture.
func (r *Reader) numbers() (Image, error) {
	if err := r.ctx.Err(); err != nil {
		return Image{}, err
	}
	label, err := r.nextLabel()
	if err != nil {
		return Image{}, err
	}
	id, err := r.nextID()
	return Image{ID: id, Label: label, Row: r.shard.FirstRow + r.row}, err
}

// nextLabel reads a label without moving on to the next row.
func (r *Reader) nextLabel() (int64, error) {
	if r.row >= r.shard.Rows {
		return 0, io.EOF
	}
	label, ok, err := r.labels.next()
	if err != nil {
		return 0, r.at(err)
	}
	if !ok {
		return 0, r.at(fmt.Errorf("the label is NULL; drop the row or label it"))
	}
	if label < 0 {
		return 0, r.at(fmt.Errorf("label %d is below 0; drop the row (test sets without labels often have -1)", label))
	}
	return label, nil
}

// nextID reads an id without moving on to the next row.
func (r *Reader) nextID() (int64, error) {
	if r.row >= r.shard.Rows {
		return 0, io.EOF
	}
	if r.ids == nil {
		return r.shard.FirstRow + r.row, nil
	}
	id, ok, err := r.ids.next()
	if err != nil {
		return 0, r.at(err)
	}
	if !ok {
		return 0, r.at(fmt.Errorf("the id is NULL; give every row an id or drop the column"))
	}
	return id, nil
}

// at says where an error happened.
func (r *Reader) at(err error) error {
	return fmt.Errorf("row %d of %s: %w", r.row, r.shard.Path, err)
}

// Close releases the file.
func (r *Reader) Close() error { return r.file.Close() }
