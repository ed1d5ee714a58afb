package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/parquet"

	"upi/data/column"
	"upi/data/picture"
)

// raw is a column of bytes H x W x C, with the shape told in metadata.
type raw struct {
	told [3]int
	// take appends the next row's bytes to dst; ok is false where the row is NULL.
	take func(dst []byte) (row []byte, ok bool, err error)
}

// openRaw takes fixed_size_binary, binary, and lists of integers.
func openRaw(f *column.File, name string, leaves []column.Leaf) (rows, error) {
	leaf := leaves[0]
	refused := fmt.Errorf("column %q of %s is stored as %s, wanted fixed_size_binary or list<uint8>", name, f.Path(), leaf.PhysicalType())
	if len(leaves) > 1 {
		return nil, refused
	}
	told, err := toldShape(f, name)
	if err != nil {
		return nil, err
	}
	switch list := leaf.MaxRepetitionLevel() > 0; {
	case list && leaf.PhysicalType() == parquet.Types.Int32:
		c, err := column.NewCursor[int32](f, leaf)
		return raw{told, listBytes(c, told)}, err
	case list && leaf.PhysicalType() == parquet.Types.Int64: // as Python's lists of numbers become
		c, err := column.NewCursor[int64](f, leaf)
		return raw{told, listBytes(c, told)}, err
	case !list && leaf.PhysicalType() == parquet.Types.FixedLenByteArray:
		c, err := column.NewCursor[parquet.FixedLenByteArray](f, leaf)
		return raw{told, plainBytes(c)}, err
	case !list && leaf.PhysicalType() == parquet.Types.ByteArray:
		c, err := column.NewCursor[parquet.ByteArray](f, leaf)
		return raw{told, plainBytes(c)}, err
	}
	return nil, refused
}

func plainBytes[V parquet.ByteArray | parquet.FixedLenByteArray](c *column.Cursor[V]) func([]byte) ([]byte, bool, error) {
	return func(dst []byte) ([]byte, bool, error) {
		v, ok, err := c.Next()
		return append(dst, v...), ok, err
	}
}

func listBytes[V int32 | int64](c *column.Cursor[V], told [3]int) func([]byte) ([]byte, bool, error) {
	values := make([]V, 0, told[0]*told[1]*told[2])
	return func(dst []byte) ([]byte, bool, error) {
		values, ok, err := c.NextList(values[:0])
		for i, v := range values {
			if v < 0 || v > 255 {
				return nil, ok, fmt.Errorf("pixel value %d at place %d is not in 0..255", v, i)
			}
			dst = append(dst, byte(v))
		}
		return dst, ok, err
	}
}

// row is the next picture with its shape.
func (r raw) row() ([]byte, [3]int, error) {
	want := r.told[0] * r.told[1] * r.told[2]
	row, ok, err := r.take(make([]byte, 0, want))
	if err != nil {
		return nil, r.told, err
	}
	if !ok {
		return nil, r.told, errors.New("the image is NULL; drop the row")
	}
	if len(row) != want {
		return nil, r.told, fmt.Errorf("the image has %d bytes, %s needs %d", len(row), shapeString(r.told), want)
	}
	return row, r.told, nil
}

// toldShape is the shape that shapeOf finds; that there is none is an error.
func toldShape(f *column.File, name string) ([3]int, error) {
	shape, ok, err := shapeOf(f, name)
	if err == nil && !ok {
		err = fmt.Errorf("column %q of %s comes without a shape; put \"height,width,channels\" under \"shape\" in the field's metadata, or under %q in the file's",
			name, f.Path(), shapeKey)
	}
	return shape, err
}

// shapeOf is the shape of a column's pictures in the field's metadata, in that of Arrow's type fixed_shape_tensor or of the datasets
// library's Array3D, or in the file's; ok is false where none of them tells.
func shapeOf(f *column.File, name string) (shape [3]int, ok bool, err error) {
	text, ok := f.FieldMetadata(name, "shape")
	if !ok {
		text, ok = extensionShape(f, name)
	}
	if !ok {
		text, ok = f.Metadata(shapeKey)
	}
	if !ok {
		return shape, false, nil
	}
	if shape, err = parseShape(text); err != nil {
		return shape, false, fmt.Errorf("shape of column %q of %s: %w", name, f.Path(), err)
	}
	return shape, true, nil
}

// extensionShape is the shape in the metadata of an extension type.
func extensionShape(f *column.File, name string) (string, bool) {
	text, ok := f.FieldMetadata(name, "ARROW:extension:metadata")
	if !ok {
		return "", false
	}
	var tensor struct {
		Shape       json.RawMessage `json:"shape"`
		Permutation []int           `json:"permutation"`
	}
	if json.Unmarshal([]byte(text), &tensor) != nil || tensor.Shape == nil {
		return "", false
	}
	for i, axis := range tensor.Permutation {
		if axis != i { // the values do not lie in the order of the shape
			return "", false
		}
	}
	return string(tensor.Shape), true
}

// parseShape reads "28,28,1", "[28, 28, 1]" and, for one channel, "28,28".
func parseShape(text string) ([3]int, error) {
	var sizes []int
	if err := json.Unmarshal([]byte(text), &sizes); err != nil {
		for part := range strings.SplitSeq(strings.Trim(strings.TrimSpace(text), "()[]"), ",") {
			n, err := strconv.Atoi(strings.TrimSpace(part))
			if err != nil {
				return [3]int{}, fmt.Errorf("%q is not a list of sizes like \"28,28,1\"", text)
			}
			sizes = append(sizes, n)
		}
	}
	if len(sizes) == 2 {
		sizes = append(sizes, 1)
	}
	if len(sizes) != 3 {
		return [3]int{}, fmt.Errorf("%q has %d sizes, wanted height, width, channels", text, len(sizes))
	}
	total := 1
	for _, n := range sizes {
		if n <= 0 || n > picture.MaxPixels/total {
			return [3]int{}, fmt.Errorf("%q is not a size of 1 to %d values", text, picture.MaxPixels)
		}
		total *= n
	}
	return [3]int(sizes), nil
}
