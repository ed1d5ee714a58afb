package data

import (
	"errors"
	"fmt"
	"image"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"upi/data/column"
)

// pixels is the column of pictures.
type pixels interface {
	// shape looks at the first picture, or the next one where that was asked before.
	shape() ([3]int, error)
	// next is the next picture as H x W x C bytes; one of another shape is an error.
	next(shape [3]int) ([]byte, error)
	// picture is the next picture, of whatever size it has.
	picture() (image.Image, error)
}

// encoded is a column of PNG or JPEG files.
type encoded struct {
	cursor *column.Cursor[parquet.ByteArray] // nil where there are paths alone
	paths  *paths                            // nil where there are none
	row    int64
}

// openEncoded takes a struct's field "bytes", or a column of its own; and where pictures are not in the file, the field "path" or a
// column of texts.
func openEncoded(f *column.File, name string, leaves []column.Leaf, follow string) (pixels, error) {
	e := &encoded{}
	for _, leaf := range leaves {
		within, blob := leaf.Within(), leaf.PhysicalType() == parquet.Types.ByteArray && leaf.MaxRepetitionLevel() == 0
		_, text := leaf.LogicalType().(schema.StringLogicalType)
		switch {
		case blob && (within == "path" || within == "" && text):
			e.paths = newPaths(f, leaf, follow)
		case within != "bytes" && within != "":
		case !blob:
			return nil, fmt.Errorf("column %q of %s is stored as %s, wanted the bytes of picture files", leaf.Path(), f.Path(), stored(leaf))
		default:
			var err error
			if e.cursor, err = column.NewCursor[parquet.ByteArray](f, leaf); err != nil {
				return nil, err
			}
		}
	}
	if e.cursor == nil && e.paths == nil {
		return nil, fmt.Errorf("column %q of %s has neither a field \"bytes\" nor \"path\"; embed the pictures in the file", name, f.Path())
	}
	return e, nil
}

func (e *encoded) shape() ([3]int, error) {
	data, err := e.take()
	if err != nil {
		return [3]int{}, err
	}
	f, err := detect(data)
	if err != nil {
		return [3]int{}, err
	}
	config, err := f.head(data)
	if err != nil {
		return [3]int{}, err
	}
	return f.shape(config)
}

func (e *encoded) next(shape [3]int) ([]byte, error) {
	data, err := e.take()
	if err != nil {
		return nil, err
	}
	f, err := detect(data)
	if err != nil {
		return nil, err
	}
	config, err := f.head(data)
	if err != nil {
		return nil, err
	}
	got, err := f.shape(config)
	if err != nil {
		return nil, err
	}
	if got != shape {
		return nil, fmt.Errorf("the image is %s, the dataset's are %s; import the set with one size ('upi import parquet' with --size)", shapeString(got), shapeString(shape))
	}
	picture, err := f.body(data, config)
	if err != nil {
		return nil, err
	}
	return flatten(picture, shape)
}

func (e *encoded) picture() (image.Image, error) {
	data, err := e.take()
	if err != nil {
		return nil, err
	}
	return Decode(data)
}

// take is the next picture as stored. The bytes live until the next call.
func (e *encoded) take() ([]byte, error) {
	var data []byte
	ok := false
	if e.cursor != nil {
		var err error
		if data, ok, err = e.cursor.Next(); err != nil {
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
