package column

import (
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/parquet"
)

// deltas decodes whole numbers stored as differences, in blocks of bit-packed miniblocks (Parquet's DELTA_BINARY_PACKED).
type deltas struct {
	buf      []byte
	perMini  int
	minis    int
	left     uint64 // numbers not yet handed out
	value    int64  // the next number, once its difference is added
	first    bool
	smallest int64  // difference of the block
	widths   []byte // of the miniblocks still to come
	mini     bitReader
	wide     uint // bits per difference in the miniblock
	inMini   int  // differences left in it
}

// maxLengths bounds the byte arrays in a page whose lengths are stored apart.
const maxLengths = 1 << 24

var errDeltas = errors.New("its blocks of differences are damaged")

// newDeltas reads the head: numbers in a block, miniblocks in a block, numbers in all, the first number.
func newDeltas(buf []byte) (*deltas, error) {
	c := &compact{buf: buf}
	block, err1 := c.uvarint()
	minis, err2 := c.uvarint()
	total, err3 := c.uvarint()
	first, err4 := c.integer()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, errDeltas
	}
	if block == 0 || block > math.MaxInt32 || minis == 0 || minis > block || block%minis != 0 || block/minis%8 != 0 {
		return nil, fmt.Errorf("its blocks claim %d numbers in %d parts", block, minis)
	}
	return &deltas{buf: buf[c.pos:], perMini: int(block / minis), minis: int(minis), left: total, value: first, first: true}, nil
}

func (d *deltas) next() (int64, error) {
	if d.left == 0 {
		return 0, errValues
	}
	d.left--
	if d.first {
		d.first = false
		return d.value, nil
	}
	if d.inMini == 0 {
		if err := d.startMini(); err != nil {
			return 0, err
		}
	}
	d.inMini--
	delta, err := d.bits()
	if err != nil {
		return 0, err
	}
	d.value += d.smallest + int64(delta) // wraps around by design
	return d.value, nil
}

// bits is a difference, read in two halves where it is wide.
func (d *deltas) bits() (uint64, error) {
	low, err := d.mini.take(min(d.wide, 32))
	if err != nil || d.wide <= 32 {
		return uint64(low), err
	}
	high, err := d.mini.take(d.wide - 32)
	return uint64(low) | uint64(high)<<32, err
}

// startMini begins the next miniblock, and the next block where that was the last.
func (d *deltas) startMini() error {
	if len(d.widths) == 0 {
		c := &compact{buf: d.buf}
		smallest, err := c.integer()
		if err != nil || len(d.buf)-c.pos < d.minis {
			return errDeltas
		}
		d.smallest, d.widths, d.buf = smallest, d.buf[c.pos:c.pos+d.minis], d.buf[c.pos+d.minis:]
	}
	d.wide, d.widths = uint(d.widths[0]), d.widths[1:]
	if d.wide > 64 {
		return errDeltas
	}
	size := int(d.wide) * d.perMini / 8
	// The last miniblock may be cut short where nothing follows it.
	size = min(size, len(d.buf))
	d.mini, d.buf = bitReader{buf: d.buf[:size]}, d.buf[size:]
	d.inMini = d.perMini
	return nil
}

// rest is what follows the numbers, once all have been read: the miniblocks of the last block that hold none take no bytes.
func (d *deltas) rest() []byte { return d.buf }

// deltaNumbers decodes a column of whole numbers.
type deltaNumbers[V int32 | int64] struct{ *deltas }

// newDeltaNumbers is a decoder of V where that is a whole number.
func newDeltaNumbers[V Value](buf []byte) (any, error) {
	d, err := newDeltas(buf)
	var v V
	if _, ok := any(v).(int32); ok {
		return deltaNumbers[int32]{d}, err
	}
	return deltaNumbers[int64]{d}, err
}

func (d deltaNumbers[V]) decode(dst []V) error {
	for i := range dst {
		v, err := d.next()
		if err != nil {
			return err
		}
		dst[i] = V(v)
	}
	return nil
}

// deltaBytes decodes byte arrays whose lengths come first (DELTA_LENGTH_BYTE_ARRAY), and where they share beginnings, the
// lengths of those before them (DELTA_BYTE_ARRAY).
type deltaBytes struct {
	shared  []int32 // nil when nothing is shared
	lengths []int32
	buf     []byte
	last    []byte
}

// newDeltaBytes expects so many values at most.
func newDeltaBytes(buf []byte, values int64, shares bool) (*deltaBytes, error) {
	d := &deltaBytes{}
	var err error
	if shares {
		if d.shared, buf, err = deltaLengths(buf, values); err != nil {
			return nil, err
		}
	}
	d.lengths, d.buf, err = deltaLengths(buf, values)
	return d, err
}

// deltaLengths reads a list of lengths, and what follows it.
func deltaLengths(buf []byte, values int64) ([]int32, []byte, error) {
	d, err := newDeltas(buf)
	if err != nil {
		return nil, nil, err
	}
	// Equal lengths take no room in the page, so its size does not bound them.
	if d.left > uint64(min(values, maxLengths)) {
		return nil, nil, fmt.Errorf("it claims %d lengths for %d values", d.left, values)
	}
	var lengths []int32
	for d.left > 0 {
		v, err := d.next()
		if err != nil {
			return nil, nil, err
		}
		if v < 0 || v > maxPage {
			return nil, nil, fmt.Errorf("a value claims %d bytes", v)
		}
		lengths = append(lengths, int32(v))
	}
	return lengths, d.rest(), nil
}

func (d *deltaBytes) decode(dst []parquet.ByteArray) error {
	for i := range dst {
		if len(d.lengths) == 0 || int(d.lengths[0]) > len(d.buf) {
			return errValues
		}
		n := d.lengths[0]
		v := d.buf[:n:n]
		d.lengths, d.buf = d.lengths[1:], d.buf[n:]
		if d.shared != nil {
			if len(d.shared) == 0 || int(d.shared[0]) > len(d.last) {
				return errValues
			}
			v = append(append(make([]byte, 0, int(d.shared[0])+len(v)), d.last[:d.shared[0]]...), v...)
			d.shared, d.last = d.shared[1:], v
		}
		dst[i] = v
	}
	return nil
}
