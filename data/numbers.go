package data

import (
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"upi/data/column"
)

// labels is a column of classes; ok is false where the row is NULL.
type labels interface {
	next() (v int64, ok bool, err error)
}

// openNumbers opens a column of whole numbers of any stored width, of truth values (0 and 1), or of floating-point numbers that are
// whole, as pandas makes them of a column with gaps. It is nil where the column holds none of these.
func openNumbers(f *column.File, leaf column.Leaf) (labels, error) {
	switch leaf.PhysicalType() {
	case parquet.Types.Boolean:
		c, err := column.NewCursor[bool](f, leaf)
		return truths{c}, err
	case parquet.Types.Float:
		c, err := column.NewCursor[float32](f, leaf)
		return floats[float32]{c}, err
	case parquet.Types.Double:
		c, err := column.NewCursor[float64](f, leaf)
		return floats[float64]{c}, err
	}
	if !isInteger(leaf) {
		return nil, nil
	}
	switch leaf.PhysicalType() {
	case parquet.Types.Int32:
		c, err := column.NewCursor[int32](f, leaf)
		return integers32{c, isUnsigned(leaf)}, err
	case parquet.Types.Int64:
		c, err := column.NewCursor[int64](f, leaf)
		return integers64{c, isUnsigned(leaf)}, err
	}
	return nil, nil
}

// isInteger excludes dates, times and decimals, which are stored as integers too.
func isInteger(leaf column.Leaf) bool {
	switch leaf.LogicalType().(type) {
	case nil, schema.NoLogicalType, schema.UnknownLogicalType, schema.NullLogicalType, *schema.IntLogicalType:
		return true
	}
	return false
}

func isUnsigned(leaf column.Leaf) bool {
	logical, ok := leaf.LogicalType().(*schema.IntLogicalType)
	return ok && !logical.IsSigned()
}

type integers32 struct {
	*column.Cursor[int32]
	unsigned bool
}

func (c integers32) next() (int64, bool, error) {
	v, ok, err := c.Next()
	if c.unsigned {
		return int64(uint32(v)), ok, err
	}
	return int64(v), ok, err
}

type integers64 struct {
	*column.Cursor[int64]
	unsigned bool
}

func (c integers64) next() (int64, bool, error) {
	v, ok, err := c.Next()
	if err == nil && c.unsigned && v < 0 {
		return 0, ok, fmt.Errorf("%d is above the largest whole number allowed, %d", uint64(v), int64(math.MaxInt64))
	}
	return v, ok, err
}

type truths struct{ *column.Cursor[bool] }

func (c truths) next() (int64, bool, error) {
	v, ok, err := c.Next()
	if v {
		return 1, ok, err
	}
	return 0, ok, err
}

type floats[F float32 | float64] struct{ *column.Cursor[F] }

// maxWhole is the largest number up to which a float64 tells all whole numbers apart.
const maxWhole = 1 << 53

func (c floats[F]) next() (int64, bool, error) {
	v, ok, err := c.Next()
	if err != nil || !ok {
		return 0, ok, err
	}
	if x := float64(v); x != math.Trunc(x) || math.Abs(x) > maxWhole {
		if math.IsNaN(x) {
			return 0, false, nil // a gap, as pandas writes it
		}
		return 0, ok, fmt.Errorf("%v is not a whole number", v)
	}
	return int64(v), ok, nil
}
