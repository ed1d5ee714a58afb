package data

import (
	"fmt"
	"math"
	"strings"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"upi/data/column"
)

// The columns of a shard.
const (
	labelColumn  = "label"
	idColumn     = "id"
	pixelsColumn = "pixels"
)

// imageColumns are the names that sets of encoded pictures use.
var imageColumns = []string{"image", "img"}

// integers is a column of whole numbers of any stored width; ok is false where the row is NULL.
type integers interface {
	next() (v int64, ok bool, err error)
}

func openLabels(f *column.File) (integers, error) {
	c, err := openIntegers(f, labelColumn)
	if c == nil && err == nil {
		return nil, fmt.Errorf("%s has no column %q; it has %q: rename the column of class numbers to %q", f.Path(), labelColumn, f.Names(), labelColumn)
	}
	return c, err
}

// openIDs is nil when there is no such column.
func openIDs(f *column.File) (integers, error) { return openIntegers(f, idColumn) }

func openIntegers(f *column.File, name string) (integers, error) {
	leaves := f.Leaves(name)
	if len(leaves) == 0 {
		return nil, nil
	}
	leaf := leaves[0]
	bad := fmt.Errorf("column %q of %s is stored as %s, wanted whole numbers; cast it to int64", name, f.Path(), leaf.Column)
	if len(leaves) > 1 || leaf.MaxRepetitionLevel() > 0 || !isInteger(leaf) {
		return nil, bad
	}
	switch leaf.PhysicalType() {
	case parquet.Types.Int32:
		c, err := column.NewCursor[int32](f, leaf)
		return integers32{c, isUnsigned(leaf)}, err
	case parquet.Types.Int64:
		c, err := column.NewCursor[int64](f, leaf)
		return integers64{c, isUnsigned(leaf)}, err
	}
	return nil, bad
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
	if c.unsigned && v < 0 {
		return 0, ok, fmt.Errorf("%d is above the largest whole number allowed, %d", uint64(v), int64(math.MaxInt64))
	}
	return v, ok, err
}

// openPixels picks the way in which a file stores its pictures.
func openPixels(f *column.File) (pixels, error) {
	for _, name := range imageColumns {
		if leaves := f.Leaves(name); len(leaves) > 0 {
			return openEncoded(f, name, leaves)
		}
	}
	if leaves := f.Leaves(pixelsColumn); len(leaves) > 0 {
		return openRaw(f, leaves)
	}
	return nil, fmt.Errorf("%s has neither a column %s nor %q; it has %q: is it a set of images?",
		f.Path(), `"`+strings.Join(imageColumns, `" or "`)+`"`, pixelsColumn, f.Names())
}
