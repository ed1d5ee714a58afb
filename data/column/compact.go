package column

import (
	"encoding/binary"
	"errors"
)

// compact reads Thrift's compact protocol, in which Parquet writes footers and page heads, from a buffer that nobody vouches
// for: no length is believed that leads out of the buffer.
// (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md)
type compact struct {
	buf  []byte
	pos  int
	left int // elements of lists and maps that may still be met
}

// The types of fields and elements.
const (
	typeTrue, typeFalse, typeByte, typeI16, typeI32, typeI64 = 1, 2, 3, 4, 5, 6
	typeDouble, typeBinary, typeList, typeSet, typeMap       = 7, 8, 9, 10, 11
	typeStruct, typeUUID                                     = 12, 13
)

// maxNesting bounds the structs within structs; Parquet needs about six.
const maxNesting = 32

var (
	errShort   = errors.New("it ends within a field")
	errNesting = errors.New("its fields are nested too deep")
	errCrowded = errors.New("it lists more elements than it has room for")
	errType    = errors.New("it has a field of an unknown type")
)

func (c *compact) byte() (byte, error) {
	if c.pos >= len(c.buf) {
		return 0, errShort
	}
	c.pos++
	return c.buf[c.pos-1], nil
}

func (c *compact) uvarint() (uint64, error) {
	v, n := binary.Uvarint(c.buf[c.pos:])
	if n <= 0 {
		return 0, errShort
	}
	c.pos += n
	return v, nil
}

// integer is a zigzag varint.
func (c *compact) integer() (int64, error) {
	v, err := c.uvarint()
	return int64(v>>1) ^ -int64(v&1), err
}

func (c *compact) skipBytes(n uint64) error {
	if n > uint64(len(c.buf)-c.pos) {
		return errShort
	}
	c.pos += int(n)
	return nil
}

// fields visits the fields of a struct; visit must consume each one, by skip at least.
func (c *compact) fields(visit func(id int64, kind byte) error) error {
	id := int64(0)
	for {
		head, err := c.byte()
		if err != nil {
			return err
		}
		if head == 0 {
			return nil
		}
		id += int64(head >> 4)
		if head>>4 == 0 {
			if id, err = c.integer(); err != nil {
				return err
			}
		}
		if err := visit(id, head&15); err != nil {
			return err
		}
	}
}

// list is the head of a list: its length, which the buffer has room for, and the type of its elements.
func (c *compact) list() (n int, kind byte, err error) {
	head, err := c.byte()
	if err != nil {
		return 0, 0, err
	}
	size := uint64(head >> 4)
	if size == 15 {
		if size, err = c.uvarint(); err != nil {
			return 0, 0, err
		}
	}
	return int(size), head & 15, c.room(size)
}

// room counts elements against the bytes that are left, one each at least, and against the bound on all of them.
func (c *compact) room(n uint64) error {
	if n > uint64(len(c.buf)-c.pos) || n > uint64(c.left) {
		return errCrowded
	}
	c.left -= int(n)
	return nil
}

// skip passes over a value of a field.
func (c *compact) skip(kind byte, depth int) error {
	if depth > maxNesting {
		return errNesting
	}
	switch kind {
	case typeTrue, typeFalse: // the value is in the type
		return nil
	case typeByte:
		return c.skipBytes(1)
	case typeI16, typeI32, typeI64:
		_, err := c.uvarint()
		return err
	case typeDouble:
		return c.skipBytes(8)
	case typeUUID:
		return c.skipBytes(16)
	case typeBinary:
		n, err := c.uvarint()
		if err != nil {
			return err
		}
		return c.skipBytes(n)
	case typeList, typeSet:
		n, element, err := c.list()
		if err != nil {
			return err
		}
		return c.skipElements(n, element, depth)
	case typeMap:
		return c.skipMap(depth)
	case typeStruct:
		return c.fields(func(_ int64, kind byte) error { return c.skip(kind, depth+1) })
	}
	return errType
}

func (c *compact) skipElements(n int, kind byte, depth int) error {
	if kind == typeTrue || kind == typeFalse {
		kind = typeByte // in lists a truth value has a byte of its own
	}
	for range n {
		if err := c.skip(kind, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (c *compact) skipMap(depth int) error {
	n, err := c.uvarint()
	if err != nil || n == 0 {
		return err
	}
	kinds, err := c.byte()
	if err != nil {
		return err
	}
	if err := c.room(n); err != nil {
		return err
	}
	for range int(n) {
		if err := c.skipElements(1, kinds>>4, depth); err != nil {
			return err
		}
		if err := c.skipElements(1, kinds&15, depth); err != nil {
			return err
		}
	}
	return nil
}
