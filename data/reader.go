package data

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"upi/data/column"
)

// Reader reads the images of one shard in order, holding one page of each column and one image. It belongs to one
// goroutine.
type Reader struct {
	ctx   context.Context
	shard Shard
	file  source
	row   int64 // in the file, from 0

	labels labels
	ids    ids    // nil when the file has no id column
	pixels pixels // nil when only numbers are read
}

func (r *Reader) columns(pictures bool) (err error) {
	if r.file.Rows() < r.shard.Rows {
		return fmt.Errorf("%s had %d images when it was opened first and has %d now: it was changed in between", r.shard.Path, r.shard.Rows, r.file.Rows())
	}
	if r.labels, err = r.file.labels(r.shard.Columns, r.shard.ClassNames); err != nil {
		return err
	}
	if r.ids, err = r.file.ids(r.shard.Columns); err != nil {
		return err
	}
	if pictures {
		r.pixels, err = r.file.pixels(r.shard.Columns, r.shard.Pictures)
	}
	return err
}

// A RowError is a matter of one row: a picture that cannot be decoded, a NULL, a label that is no class. The reader has gone on to the
// next row.
type RowError struct {
	Path string
	Row  int64 // in the file, from 0
	Err  error
}

func (e *RowError) Error() string { return fmt.Sprintf("row %d of %s: %v", e.Row, e.Path, e.Err) }

func (e *RowError) Unwrap() error { return e.Err }

// Next is the next image, whose Pixels are the caller's to keep. It returns io.EOF after the last one. Errors name the file
// and the row, counted from 0 in the file; after a *RowError the next call reads the next row, after another error nothing can be read.
func (r *Reader) Next() (Image, error) {
	var pixels []byte
	numbers, err := r.next(func() (err error) {
		pixels, err = r.pixels.next(r.shard.Shape)
		return err
	})
	numbers.Pixels = pixels
	return numbers, err
}

// Skip passes over the next image, whose picture is not looked at; only the Row of the Image is set.
func (r *Reader) Skip() (Image, error) {
	return r.next(r.pixels.skip)
}

// next reads every column of a row, whether one of them is bad or not: else the columns would come apart. With an error the Image has
// its Row alone.
func (r *Reader) next(pixels func() error) (Image, error) {
	if err := r.ctx.Err(); err != nil {
		return Image{}, err
	}
	if r.row >= r.shard.Rows {
		return Image{}, io.EOF
	}
	image := Image{Row: r.shard.FirstRow + r.row}
	label, labelErr := r.label()
	id, name, idErr := r.id()
	pixelsErr := pixels()
	for _, err := range []error{labelErr, idErr, pixelsErr} {
		if errors.As(err, new(*column.CursorError)) {
			return image, r.at(err)
		}
	}
	if err := cmp.Or(labelErr, idErr, pixelsErr); err != nil {
		err := r.at(err)
		r.row++
		return image, err
	}
	r.row++
	image.ID, image.Name, image.Label = id, name, label
	return image, nil
}

// label reads a label without moving on to the next row.
func (r *Reader) label() (int64, error) {
	label, ok, err := r.labels.next()
	switch {
	case err != nil:
		return 0, err
	case !ok:
		return 0, errors.New("the label is NULL; drop the row or label it")
	case label < 0:
		return 0, fmt.Errorf("label %d is below 0; drop the row (test sets without labels often have -1)", label)
	}
	return label, nil
}

// id reads an id without moving on to the next row.
func (r *Reader) id() (int64, string, error) {
	if r.ids == nil {
		return r.shard.FirstRow + r.row, "", nil
	}
	id, name, ok, err := r.ids.next()
	if err == nil && !ok {
		err = errors.New("the id is NULL; give every row an id or drop the column")
	}
	return id, name, err
}

// at says where an error happened.
func (r *Reader) at(err error) error {
	if errors.As(err, new(*column.CursorError)) {
		return fmt.Errorf("row %d of %s: %w", r.row, r.shard.Path, err)
	}
	return &RowError{Path: r.shard.Path, Row: r.row, Err: err}
}

// Close releases the file.
func (r *Reader) Close() error { return r.file.Close() }
