package data

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"upi/data/column"
	"upi/data/picture"
)

// pixels is the column of pictures.
type pixels interface {
	// shape looks at the first picture, or the next one where that was asked before.
	shape() ([3]int, error)
	// next is the next picture as H x W x C bytes; one of another shape is an error.
	next(shape [3]int) ([]byte, error)
	// skip passes over the next picture without looking at it.
	skip() error
}

// encoded is a column of picture files.
type encoded struct {
	options picture.Options
	bytes   texts  // nil where there are paths alone
	paths   *paths // nil where there are none
	row     int64
}

// openEncoded takes a struct's field "bytes", or a column of its own; and where pictures are not in the file, the field "path" or a
// column of texts.
func openEncoded(f *column.File, name string, leaves []column.Leaf, follow string, o picture.Options) (pixels, error) {
	e := &encoded{options: o}
	for _, leaf := range leaves {
		within, blob := leaf.Within(), leaf.PhysicalType() == parquet.Types.ByteArray && leaf.MaxRepetitionLevel() == 0
		_, text := leaf.LogicalType().(schema.StringLogicalType)
		switch {
		case blob && (within == "path" || within == "" && text):
			open := func() (texts, error) {
				cursor, err := column.NewCursor[parquet.ByteArray](f, leaf)
				return func() ([]byte, bool, error) {
					v, ok, err := cursor.Next()
					return v, ok, err
				}, err
			}
			e.paths = newPaths(f.Path(), open, follow)
		case within != "bytes" && within != "":
		case !blob:
			return nil, fmt.Errorf("column %q of %s is stored as %s, wanted the bytes of picture files", leaf.Path(), f.Path(), stored(leaf))
		default:
			cursor, err := column.NewCursor[parquet.ByteArray](f, leaf)
			if err != nil {
				return nil, err
			}
			e.bytes = func() ([]byte, bool, error) {
				v, ok, err := cursor.Next()
				return v, ok, err
			}
		}
	}
	if e.bytes == nil && e.paths == nil {
		return nil, fmt.Errorf("column %q of %s has neither a field \"bytes\" nor \"path\"; embed the pictures in the file", name, f.Path())
	}
	return e, nil
}

func (e *encoded) shape() ([3]int, error) {
	file, err := e.take()
	if err != nil {
		return [3]int{}, err
	}
	return e.options.Shape(file)
}

func (e *encoded) next(shape [3]int) ([]byte, error) {
	file, err := e.take()
	if err != nil {
		return nil, err
	}
	return e.options.DecodeAs(file, shape)
}

func (e *encoded) skip() error {
	e.row++
	if e.bytes == nil {
		return nil
	}
	_, _, err := e.bytes()
	return err
}

// take is the next picture as stored. The bytes live until the next call.
func (e *encoded) take() ([]byte, error) {
	var data []byte
	ok := false
	if e.bytes != nil {
		var err error
		if data, ok, err = e.bytes(); err != nil {
			return nil, err
		}
	}
	row := e.row
	e.row++
	if ok {
		return data, nil
	}
	if e.paths == nil {
		return nil, errors.New("the image is NULL; drop the row or embed the picture")
	}
	return e.paths.read(row)
}
