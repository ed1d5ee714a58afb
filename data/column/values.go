package column

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/parquet"
)

// decoder hands out the values of a page in order. Filling less than dst is an error.
type decoder[V Value] interface {
	decode(dst []V) error
}

var errValues = errors.New("it ends before its values do")

// noValues is a page of NULLs.
type noValues[V Value] struct{}

func (noValues[V]) decode(dst []V) error {
	if len(dst) > 0 {
		return errValues
	}
	return nil
}

// plainFixed decodes values that take the same number of bytes each.
type plainFixed[V Value] struct {
	buf  []byte
	size int
	get  func([]byte) V
}

func (d *plainFixed[V]) decode(dst []V) error {
	for i := range dst {
		if len(d.buf) < d.size {
			return errValues
		}
		dst[i] = d.get(d.buf[:d.size:d.size])
		d.buf = d.buf[d.size:]
	}
	return nil
}

// fixedSize is the number of bytes of a stored V and how to read them; ok is false for truth values and byte arrays.
func fixedSize[V Value](leaf Leaf) (size int, get func([]byte) V, ok bool) {
	var read any
	switch leaf.PhysicalType() {
	case parquet.Types.Int32:
		size, read = 4, func(b []byte) int32 { return int32(binary.LittleEndian.Uint32(b)) }
	case parquet.Types.Int64:
		size, read = 8, func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) }
	case parquet.Types.Float:
		size, read = 4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }
	case parquet.Types.Double:
		size, read = 8, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }
	case parquet.Types.FixedLenByteArray:
		size, read = leaf.TypeLength(), func(b []byte) parquet.FixedLenByteArray { return b }
	}
	get, ok = read.(func([]byte) V)
	return size, get, ok && size > 0
}

// plainBytes decodes byte arrays, each behind its length.
type plainBytes struct{ buf []byte }

func (d *plainBytes) decode(dst []parquet.ByteArray) error {
	for i := range dst {
		if len(d.buf) < 4 {
			return errValues
		}
		n := binary.LittleEndian.Uint32(d.buf)
		if uint64(n) > uint64(len(d.buf)-4) {
			return errValues
		}
		dst[i] = d.buf[4 : 4+n : 4+n]
		d.buf = d.buf[4+n:]
	}
	return nil
}

// plainBits decodes truth values, eight to a byte, and runs of them.
type plainBits struct{ bits *hybrid }

// newPlainBits reads bits that have no runs: one packed run that lasts as long as the buffer.
func newPlainBits(buf []byte) *plainBits {
	h := newHybrid(buf, 1, 1)
	h.packed = 8 * uint64(len(buf))
	return &plainBits{h}
}

func (d *plainBits) decode(dst []bool) error {
	for i := range dst {
		v, err := d.bits.next()
		if err != nil {
			return err
		}
		dst[i] = v == 1
	}
	return nil
}

// dictionary looks values up by their numbers.
type dictionary[V Value] struct {
	values  []V
	indices *hybrid
}

func newDictionary[V Value](values []V, buf []byte) (decoder[V], error) {
	indices, err := dictionaryIndices(buf)
	return &dictionary[V]{values, indices}, err
}

// dictionaryIndices reads the numbers of entries in a page that is not empty.
func dictionaryIndices(buf []byte) (*hybrid, error) {
	if buf[0] > 32 {
		return nil, fmt.Errorf("its dictionary numbers claim %d bits", buf[0])
	}
	return newHybrid(buf[1:], uint(buf[0]), math.MaxUint32), nil
}

func (d *dictionary[V]) decode(dst []V) error {
	for i := range dst {
		v, err := d.indices.next()
		if err != nil {
			return err
		}
		if int64(v) >= int64(len(d.values)) {
			return fmt.Errorf("it asks for entry %d of a dictionary of %d", v, len(d.values))
		}
		dst[i] = d.values[v]
	}
	return nil
}

// split decodes values whose first bytes are stored together, then their second ones, and so on.
type split[V Value] struct {
	buf   []byte
	at, n int
	size  int
	get   func([]byte) V
}

func newSplit[V Value](buf []byte, size int, get func([]byte) V) decoder[V] {
	return &split[V]{buf: buf, n: len(buf) / size, size: size, get: get}
}

func (d *split[V]) decode(dst []V) error {
	// A byte array is a view of these bytes, so they are made anew for each batch.
	joined := make([]byte, len(dst)*d.size)
	for i := range dst {
		if d.at >= d.n {
			return errValues
		}
		value := joined[i*d.size : (i+1)*d.size]
		for k := range value {
			value[k] = d.buf[k*d.n+d.at]
		}
		dst[i] = d.get(value)
		d.at++
	}
	return nil
}
