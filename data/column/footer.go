package column

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/parquet/metadata"
)

// Bounds on a footer, far above those of real files. The library's decoder makes room for what a footer announces, so they
// bound memory too.
const (
	maxFooter   = 64 << 20
	maxElements = 1 << 21 // of all lists together
	maxColumns  = 10000   // elements of the schema
)

// readFooter reads and checks the metadata at the end of a file of so many bytes.
func readFooter(r io.ReaderAt, size int64) (*metadata.FileMetaData, error) {
	tail := make([]byte, 8)
	if size < int64(4+len(tail)) {
		return nil, fmt.Errorf("%d bytes are too few for a Parquet file", size)
	}
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil {
		return nil, err
	}
	switch string(tail[4:]) {
	case "PAR1":
	case "PARE":
		return nil, errors.New("it is encrypted, which is not read")
	default:
		return nil, errors.New("it does not end as a Parquet file does: it is truncated, or something else")
	}
	length := int64(binary.LittleEndian.Uint32(tail))
	if length > size-12 || length > maxFooter {
		return nil, fmt.Errorf("its footer claims %d bytes", length)
	}
	buf := make([]byte, length)
	if _, err := r.ReadAt(buf, size-8-length); err != nil {
		return nil, err
	}
	checked, err := checkFooter(buf)
	if err != nil {
		return nil, fmt.Errorf("%w: its footer is no Parquet metadata: %w", ErrDamaged, err)
	}
	meta, err := metadata.NewFileMetaData(checked, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return meta, nil
}

// Fields of FileMetaData and SchemaElement in parquet.thrift of Apache Parquet.
const (
	fieldSchema   = 2
	fieldOrders   = 7 // how the values of each column are ordered, which only statistics need
	fieldChildren = 5
	fieldLogical  = 10
)

// newestLogical is the last logical type that the library knows, FLOAT16. It takes a file for damaged that has one of the later
// ones (VARIANT, GEOMETRY, GEOGRAPHY), even in a column that is not asked for.
const newestLogical = 15

// checkFooter walks the metadata once before the library believes any length in it, and returns it without what newer versions of the
// format have and the library does not know. A column of a newer logical type then is one of the type that it is stored as.
func checkFooter(buf []byte) ([]byte, error) {
	c := &compact{buf: buf, left: maxElements}
	out := &thrift{out: make([]byte, 0, len(buf))}
	err := c.fields(func(id int64, kind byte) error {
		start := c.pos
		if id == fieldSchema && kind == typeList {
			n, element, err := c.list()
			if err != nil {
				return err
			}
			if n > maxColumns || element != typeStruct {
				return fmt.Errorf("its schema claims %d elements of type %d", n, element)
			}
			out.field(id, kind, buf[start:c.pos])
			for range n {
				if err := c.checkElement(n, out); err != nil {
					return err
				}
			}
			return nil
		}
		if err := c.skip(kind, 1); err != nil {
			return err
		}
		if id != fieldOrders {
			out.field(id, kind, buf[start:c.pos])
		}
		return nil
	})
	return out.end(), err
}

// checkElement refuses a schema element with more children than there are elements, and copies it without a logical type that is
// newer than the library.
func (c *compact) checkElement(n int, out *thrift) error {
	element := &thrift{}
	err := c.fields(func(id int64, kind byte) error {
		start := c.pos
		switch {
		case id == fieldChildren && kind == typeI32:
			children, err := c.integer()
			if err != nil {
				return err
			}
			if children < 0 || children > int64(n) {
				return fmt.Errorf("its schema claims an element with %d children", children)
			}
		case id == fieldLogical && kind == typeStruct:
			known := false
			if err := c.fields(func(member int64, kind byte) error {
				known = known || member <= newestLogical
				return c.skip(kind, 3)
			}); err != nil {
				return err
			}
			if !known {
				return nil
			}
		default:
			if err := c.skip(kind, 2); err != nil {
				return err
			}
		}
		element.field(id, kind, c.buf[start:c.pos])
		return nil
	})
	out.out = append(out.out, element.end()...)
	return err
}

// thrift writes the fields of a struct in Thrift's compact protocol.
type thrift struct {
	out  []byte
	last int64
}

// field appends a field whose value is encoded already.
func (t *thrift) field(id int64, kind byte, value []byte) {
	if delta := id - t.last; delta > 0 && delta < 16 {
		t.out = append(t.out, byte(delta)<<4|kind)
	} else {
		t.out = append(t.out, kind)
		t.out = binary.AppendVarint(t.out, id)
	}
	t.out, t.last = append(t.out, value...), id
}

// end is the struct with its end.
func (t *thrift) end() []byte { return append(t.out, 0) }
