package data

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v15/parquet"

	"upi/data/column"
	"upi/data/picture"
)

// nested is a column of pictures as lists of lists of numbers, height x width or height x width x channels, as NumPy arrays become in
// Arrow and Array3D does in the datasets library. The lists themselves tell the shape.
type nested struct {
	told [3]int // by metadata; zero where it is not told
	take func() (values []byte, reps []int16, ok bool, err error)
	deep int16
}

func openNested(f *column.File, name string, leaf column.Leaf) (rows, error) {
	n := nested{deep: leaf.MaxRepetitionLevel()}
	if n.deep > 3 {
		return nil, fmt.Errorf("column %q of %s holds lists %d deep, wanted height x width x channels", name, f.Path(), n.deep)
	}
	if told, ok, err := shapeOf(f, name); err != nil {
		return nil, err
	} else if ok {
		n.told = told
	}
	var err error
	switch leaf.PhysicalType() {
	case parquet.Types.Int32:
		var c *column.Cursor[int32]
		c, err = column.NewCursor[int32](f, leaf)
		n.take = nestedBytes(c)
	case parquet.Types.Int64:
		var c *column.Cursor[int64]
		c, err = column.NewCursor[int64](f, leaf)
		n.take = nestedBytes(c)
	default:
		return nil, fmt.Errorf("column %q of %s holds lists %d deep of %s, wanted whole numbers 0..255; scale them and write them as uint8",
			name, f.Path(), n.deep, leaf.PhysicalType())
	}
	return n, err
}

func nestedBytes[V int32 | int64](c *column.Cursor[V]) func() ([]byte, []int16, bool, error) {
	var values []V
	var reps []int16
	return func() ([]byte, []int16, bool, error) {
		var ok bool
		var err error
		if values, reps, ok, err = c.NextNested(values[:0], reps[:0]); err != nil || !ok {
			return nil, nil, ok, err
		}
		out := make([]byte, len(values))
		for i, v := range values {
			if v < 0 || v > 255 {
				return nil, nil, ok, fmt.Errorf("pixel value %d at place %d is not in 0..255", v, i)
			}
			out[i] = byte(v)
		}
		return out, reps, ok, nil
	}
}

// row is the next picture with its shape, which the levels of its values tell.
func (n nested) row() ([]byte, [3]int, error) {
	values, reps, ok, err := n.take()
	if err != nil {
		return nil, [3]int{}, err
	}
	if !ok || len(values) == 0 {
		return nil, [3]int{}, errors.New("the image is NULL or empty; drop the row")
	}
	// sizes[k] is the length of every list at depth k+1; count[k] that of the one being read.
	sizes, count := make([]int, n.deep), make([]int, n.deep)
	ended := func(from int16) error {
		for k := from; k < n.deep; k++ {
			if sizes[k] == 0 {
				sizes[k] = count[k]
			}
			if count[k] != sizes[k] {
				return fmt.Errorf("its lists at depth %d have %d and %d values; a picture's are of one length", k+1, sizes[k], count[k])
			}
		}
		return nil
	}
	for i, rep := range reps {
		if i > 0 {
			if err := ended(rep); err != nil {
				return nil, [3]int{}, err
			}
			count[rep-1]++
		} else {
			count[0] = 1
		}
		for k := max(rep, 1); k < n.deep; k++ {
			count[k] = 1
		}
	}
	if err := ended(0); err != nil {
		return nil, [3]int{}, err
	}
	shape := [3]int{sizes[0], sizes[1], 1}
	if n.deep == 3 {
		shape[2] = sizes[2]
	}
	if n.told != [3]int{} && n.told != shape {
		return nil, shape, fmt.Errorf("the image is %s, the column's metadata says %s", shapeString(shape), shapeString(n.told))
	}
	if err := channelsLast(shape); err != nil {
		return nil, shape, err
	}
	if shape[0] > picture.MaxPixels/shape[1]/shape[2] {
		return nil, shape, fmt.Errorf("the image is %s, more than the %d values allowed", shapeString(shape), picture.MaxPixels)
	}
	return values, shape, nil
}

// channelsLast refuses a shape that is that of planes.
func channelsLast(shape [3]int) error {
	if shape[2] != 1 && shape[2] != 3 && (shape[0] == 1 || shape[0] == 3) {
		return fmt.Errorf("the image is %s, which looks like channels x height x width; write it as height x width x channels", shapeString(shape))
	}
	return nil
}
