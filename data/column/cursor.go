package column

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/parquet"
)

// Value is what a column can hold. ByteArray and FixedLenByteArray are views that live until the cursor's next call.
type Value interface {
	bool | int32 | int64 | float32 | float64 | parquet.ByteArray | parquet.FixedLenByteArray
}

// Cursor walks one column over all row groups of a file, one row per call, with a batch of values in memory.
type Cursor[V Value] struct {
	file *File
	leaf Leaf
	row  int64

	group     int
	groupLeft int64
	chunk     *chunk[V]

	values     []V
	defs, reps []int16
	level      int // next level to hand out
	levels     int // levels in the batch
	value      int // next value to hand out
}

// batch is the number of values decoded at a time. Byte arrays go one by one, since some encodings make each of them anew.
const batch = 1024

// maxList bounds the values in a list. It is that of a colour picture of 4096 x 4096, with room to spare.
const maxList = 1 << 26

// NewCursor starts at the first row. It refuses a leaf whose stored type is not V.
func NewCursor[V Value](f *File, leaf Leaf) (*Cursor[V], error) {
	c := &Cursor[V]{file: f, leaf: leaf, group: -1}
	if want := physical[V](); leaf.PhysicalType() != want {
		return nil, fmt.Errorf("column %q of %s is stored as %s, wanted %s", leaf.Path(), f.path, leaf.PhysicalType(), want)
	}
	n := batch
	if leaf.PhysicalType() == parquet.Types.ByteArray {
		n = 1
	}
	c.values = make([]V, n)
	c.defs, c.reps = make([]int16, n), make([]int16, n)
	return c, nil
}

// physical is the Parquet type of the Go type V.
func physical[V Value]() parquet.Type {
	var v V
	switch any(v).(type) {
	case bool:
		return parquet.Types.Boolean
	case int32:
		return parquet.Types.Int32
	case int64:
		return parquet.Types.Int64
	case float32:
		return parquet.Types.Float
	case float64:
		return parquet.Types.Double
	case parquet.ByteArray:
		return parquet.Types.ByteArray
	default:
		return parquet.Types.FixedLenByteArray
	}
}

// Next is the value of the next row; ok is false where the row is NULL. It returns io.EOF after the last row.
func (c *Cursor[V]) Next() (v V, ok bool, err error) {
	defer broken(&err)
	defer Recover(&err, c.file.path)
	if c.leaf.MaxRepetitionLevel() > 0 {
		return v, false, fmt.Errorf("column %q of %s holds lists, wanted one value per row", c.leaf.Path(), c.file.path)
	}
	if err := c.startRow(); err != nil {
		return v, false, err
	}
	v, ok = c.take()
	c.row++
	return v, ok, nil
}

// NextList appends the values of the next row's list to dst; ok is false where the list is NULL. A NULL within a list is
// an error. It returns io.EOF after the last row.
func (c *Cursor[V]) NextList(dst []V) (list []V, ok bool, err error) {
	if c.leaf.MaxRepetitionLevel() != 1 {
		return dst, false, fmt.Errorf("column %q of %s does not hold plain lists", c.leaf.Path(), c.file.path)
	}
	list, _, ok, err = c.nextList(dst, nil)
	return list, ok, err
}

// NextNested is NextList for lists within lists, with the repetition level of each value: 0 where the row begins, else the depth,
// from 1 for the outermost, of the list that goes on with it. An empty list within the row's list is an error, as a NULL is.
func (c *Cursor[V]) NextNested(dst []V, levels []int16) (list []V, reps []int16, ok bool, err error) {
	if levels == nil {
		levels = []int16{}
	}
	return c.nextList(dst, levels)
}

// nextList appends levels too, where they are not nil.
func (c *Cursor[V]) nextList(dst []V, levels []int16) (list []V, reps []int16, ok bool, err error) {
	defer broken(&err)
	defer Recover(&err, c.file.path)
	if err := c.startRow(); err != nil {
		return dst, levels, false, err
	}
	full, item := c.leaf.MaxDefinitionLevel(), c.itemLevel()
	if def := c.defs[c.level]; def < item {
		c.take()
		c.row++
		return dst, levels, def == item-1, nil
	}
	for {
		if c.defs[c.level] != full {
			return dst, levels, false, fmt.Errorf("row %d of column %q of %s has a NULL or an empty list within its list", c.row, c.leaf.Path(), c.file.path)
		}
		if len(dst) == maxList {
			return dst, levels, false, fmt.Errorf("row %d of column %q of %s has a list of more than %d values", c.row, c.leaf.Path(), c.file.path, maxList)
		}
		if levels != nil {
			levels = append(levels, c.reps[c.level])
		}
		v, _ := c.take()
		dst = append(dst, v)
		more, err := c.more()
		if err != nil {
			return dst, levels, false, err
		}
		if !more || c.reps[c.level] == 0 {
			c.row++
			return dst, levels, true, nil
		}
	}
}

// A CursorError is a failure of the file rather than a matter of one row's value: the cursor is of no use after it.
type CursorError struct{ Err error }

func (e *CursorError) Error() string { return e.Err.Error() }

func (e *CursorError) Unwrap() error { return e.Err }

func broken(err *error) {
	if *err != nil && *err != io.EOF {
		*err = &CursorError{*err}
	}
}

// itemLevel is the definition level from which the outermost list has an item, be it NULL.
func (c *Cursor[V]) itemLevel() int16 {
	level, depth := c.leaf.MaxDefinitionLevel(), c.leaf.MaxRepetitionLevel()
	for n := c.leaf.SchemaNode(); n != nil; n = n.Parent() {
		switch n.RepetitionType() {
		case parquet.Repetitions.Optional:
			level--
		case parquet.Repetitions.Repeated:
			if depth--; depth == 0 {
				return level
			}
			level--
		}
	}
	return level
}

// take hands out the next level, with its value where it has one.
func (c *Cursor[V]) take() (v V, ok bool) {
	ok = c.defs[c.level] == c.leaf.MaxDefinitionLevel()
	if ok {
		v = c.values[c.value]
		c.value++
	}
	c.level++
	return v, ok
}

// startRow makes the first level of the next row available.
func (c *Cursor[V]) startRow() error {
	for c.groupLeft == 0 {
		more, err := c.more()
		if err != nil {
			return err
		}
		if more {
			return c.damaged("values go on after the last row of row group %d", c.group)
		}
		if c.group+1 >= len(c.file.meta.GetRowGroups()) {
			return io.EOF
		}
		if err := c.openGroup(c.group + 1); err != nil {
			return err
		}
	}
	more, err := c.more()
	if err != nil {
		return err
	}
	if !more {
		return c.damaged("row group %d ends %d rows early", c.group, c.groupLeft)
	}
	if c.reps[c.level] != 0 {
		return c.damaged("row group %d begins within a list", c.group)
	}
	c.groupLeft--
	return nil
}

func (c *Cursor[V]) openGroup(i int) (err error) {
	c.chunk.close()
	if c.chunk, err = openChunk[V](c.file, c.leaf, i); err != nil {
		return c.failed(err)
	}
	c.group, c.groupLeft = i, c.file.meta.RowGroup(i).NumRows()
	return nil
}

// more reads on when all levels have been handed out; it is false at the end of the row group.
func (c *Cursor[V]) more() (bool, error) {
	if c.level < c.levels {
		return true, nil
	}
	if c.chunk == nil {
		return false, nil
	}
	c.level, c.levels, c.value = 0, 0, 0
	levels, err := c.chunk.read(c.values, c.defs, c.reps)
	if err == io.EOF {
		return false, nil
	}
	if err != nil {
		return false, c.failed(err)
	}
	c.levels = levels
	return true, nil
}

// failed tells what is damaged from what is only not read.
func (c *Cursor[V]) failed(err error) error {
	if errors.As(err, new(*unreadError)) {
		return fmt.Errorf("read column %q of %s: %w", c.leaf.Path(), c.file.path, err)
	}
	return c.damaged("%v", err)
}

func (c *Cursor[V]) damaged(format string, args ...any) error {
	return fmt.Errorf("read column %q of %s after row %d: %w: %s", c.leaf.Path(), c.file.path, c.row, ErrDamaged, fmt.Sprintf(format, args...))
}
