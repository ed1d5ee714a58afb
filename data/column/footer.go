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
	if err := checkFooter(buf); err != nil {
		return nil, fmt.Errorf("%w: its footer is no Parquet metadata: %w", ErrDamaged, err)
	}
	return metadata.NewFileMetaData(buf, nil)
}

// Fields of FileMetaData and SchemaElement in parquet.thrift of Apache Parquet.
const (
	fieldSchema   = 2
	fieldChildren = 5
)

// checkFooter walks the metadata once before the library believes any length in it.
func checkFooter(buf []byte) error {
	c := &compact{buf: buf, left: maxElements}
	return c.fields(func(id int64, kind byte) error {
		if id != fieldSchema || kind != typeList {
			return c.skip(kind, 1)
		}
		n, element, err := c.list()
		if err != nil {
			return err
		}
		if n > maxColumns || element != typeStruct {
			return fmt.Errorf("its schema claims %d elements of type %d", n, element)
		}
		for range n {
			if err := c.fields(func(id int64, kind byte) error { return c.checkElement(n, id, kind) }); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkElement refuses a schema element with more children than there are elements.
func (c *compact) checkElement(n int, id int64, kind byte) error {
	if id != fieldChildren || kind != typeI32 {
		return c.skip(kind, 2)
	}
	children, err := c.integer()
	if err != nil {
		return err
	}
	if children < 0 || children > int64(n) {
		return fmt.Errorf("its schema claims an element with %d children", children)
	}
	return nil
}
