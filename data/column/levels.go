package column

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// hybrid decodes runs of repeated and of bit-packed small numbers: levels, dictionary indices, truth values.
// (Parquet's "RLE / bit-packing hybrid", encoding 3.) The zero value is an endless run of zeros.
type hybrid struct {
	bitReader
	width uint // bits per number
	limit uint32

	repeated uint32 // the number of a repeated run
	run      uint64 // numbers left in it
	packed   uint64 // numbers left in a bit-packed run, the last of which may be padding
}

// bitReader reads numbers of up to 32 bits, the lowest bits first.
type bitReader struct {
	buf  []byte
	bits uint64 // read from buf and not yet handed out
	have uint   // how many bits
}

func (b *bitReader) take(width uint) (uint32, error) {
	for b.have < width {
		if len(b.buf) == 0 {
			return 0, errRuns
		}
		b.bits |= uint64(b.buf[0]) << b.have
		b.buf = b.buf[1:]
		b.have += 8
	}
	v := uint32(b.bits & (1<<width - 1))
	b.bits >>= width
	b.have -= width
	return v, nil
}

var errRuns = errors.New("its runs end before its values do")

// newHybrid decodes numbers of width bits, none above limit.
func newHybrid(buf []byte, width uint, limit uint32) *hybrid {
	return &hybrid{bitReader: bitReader{buf: buf}, width: width, limit: limit}
}

// next hands out one number.
func (h *hybrid) next() (uint32, error) {
	if h.width == 0 {
		return 0, nil
	}
	for h.run == 0 && h.packed == 0 {
		if err := h.startRun(); err != nil {
			return 0, err
		}
	}
	if h.run > 0 {
		h.run--
		return h.repeated, nil
	}
	v, err := h.take(h.width)
	if err != nil {
		return 0, err
	}
	h.packed--
	return v, h.check(v)
}

func (h *hybrid) check(v uint32) error {
	if v > h.limit {
		return fmt.Errorf("it has the number %d where %d is the largest", v, h.limit)
	}
	return nil
}

func (h *hybrid) startRun() error {
	head, n := binary.Uvarint(h.buf)
	if n <= 0 {
		return errRuns
	}
	h.buf = h.buf[n:]
	if head&1 == 1 {
		// Groups of eight; a count beyond the buffer shows when it runs out.
		h.packed, h.bits, h.have = head>>1<<3, 0, 0
		return nil
	}
	size := int(h.width+7) / 8
	if len(h.buf) < size {
		return errRuns
	}
	h.repeated, h.run = 0, head>>1
	for i := range size {
		h.repeated |= uint32(h.buf[i]) << (8 * i)
	}
	h.buf = h.buf[size:]
	return h.check(h.repeated)
}

// levels fills dst with numbers that are at most 16 bits wide.
func (h *hybrid) levels(dst []int16) error {
	for i := range dst {
		v, err := h.next()
		if err != nil {
			return err
		}
		dst[i] = int16(v)
	}
	return nil
}
