package column

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Snappy and LZ4 come as single blocks, whose libraries want the whole of it in memory. These decoders hold the last part of the
// output alone: both formats' writers refer back by 64 KiB at most.
// (https://github.com/google/snappy/blob/main/format_description.txt, https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md)

// blockWindow is how far back a block may refer.
const blockWindow = 1 << 20

var errBlock = errors.New("the block ends within an element, or refers to bytes before its beginning")

// block is the output of a decoder that reads one element (a literal, a copy) at a time.
type block struct {
	in      *bufio.Reader
	element func(*block) error // io.EOF after the last
	out     []byte
	at      int // bytes of out that have been handed on
}

func (b *block) Read(p []byte) (int, error) {
	for b.at == len(b.out) {
		if len(b.out) > 2*blockWindow {
			b.out = append(b.out[:0], b.out[len(b.out)-blockWindow:]...)
			b.at = len(b.out)
		}
		if err := b.element(b); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.out[b.at:])
	b.at += n
	return n, nil
}

// maxElement bounds what is made at a time; longer elements come in parts.
const maxElement = 1 << 16

// literal takes n bytes of the input, in parts that a reader asks for one by one.
func (b *block) literal(n int64, next func(*block) error) error {
	part := min(n, maxElement)
	start := len(b.out)
	b.out = slices.Grow(b.out, int(part))[:start+int(part)]
	if _, err := io.ReadFull(b.in, b.out[start:]); err != nil {
		b.out = b.out[:start]
		return errBlock
	}
	if n -= part; n > 0 {
		b.element = func(b *block) error { return b.literal(n, next) }
		return nil
	}
	b.element = next
	return nil
}

// copy repeats n bytes from so many bytes back, which may reach into what it makes.
func (b *block) copy(back, n int64, next func(*block) error) error {
	if back <= 0 || back > int64(len(b.out)) {
		if back > blockWindow {
			return fmt.Errorf("the block refers back by %d bytes, more than the %d that are kept of a large page", back, blockWindow)
		}
		return errBlock
	}
	part := min(n, maxElement)
	for range part {
		b.out = append(b.out, b.out[int64(len(b.out))-back])
	}
	if n -= part; n > 0 {
		b.element = func(b *block) error { return b.copy(back, n, next) }
		return nil
	}
	b.element = next
	return nil
}

// number reads so many bytes, the lowest first.
func (b *block) number(bytes int) (int64, error) {
	var buf [8]byte
	if _, err := io.ReadFull(b.in, buf[:bytes]); err != nil {
		return 0, errBlock
	}
	return int64(binary.LittleEndian.Uint64(buf[:])), nil
}

func streamSnappy(src io.Reader) (io.Reader, error) {
	in := bufio.NewReader(src)
	if _, err := binary.ReadUvarint(in); err != nil { // the length, which the page's head tells as well
		return nil, errBlock
	}
	return &block{in: in, element: snappyElement}, nil
}

func snappyElement(b *block) error {
	tag, err := b.in.ReadByte()
	if err != nil {
		return err
	}
	n := int64(tag >> 2)
	switch tag & 3 {
	case 0:
		if n >= 60 {
			if n, err = b.number(int(n) - 59); err != nil {
				return err
			}
		}
		return b.literal(n+1, snappyElement)
	case 1:
		low, err := b.number(1)
		if err != nil {
			return err
		}
		return b.copy(int64(tag>>5)<<8|low, n&7+4, snappyElement)
	}
	size := 2
	if tag&3 == 3 {
		size = 4
	}
	back, err := b.number(size)
	if err != nil {
		return err
	}
	return b.copy(back, n+1, snappyElement)
}

func streamLZ4(src io.Reader) (io.Reader, error) {
	return &block{in: bufio.NewReader(src), element: lz4Sequence}, nil
}

// lz4Sequence reads a token and its literals; the copy follows.
func lz4Sequence(b *block) error {
	token, err := b.in.ReadByte()
	if err != nil {
		return err
	}
	literals, err := b.lz4Length(int64(token >> 4))
	if err != nil {
		return err
	}
	match := func(b *block) error { return lz4Copy(b, int64(token&15)) }
	if literals == 0 {
		return match(b)
	}
	return b.literal(literals, match)
}

// lz4Copy is left out after the last literals.
func lz4Copy(b *block, n int64) error {
	if _, err := b.in.Peek(1); err == io.EOF {
		return io.EOF
	}
	back, err := b.number(2)
	if err != nil {
		return err
	}
	if n, err = b.lz4Length(n); err != nil {
		return err
	}
	return b.copy(back, n+4, lz4Sequence)
}

// lz4Length goes on with bytes while they are full.
func (b *block) lz4Length(n int64) (int64, error) {
	if n < 15 {
		return n, nil
	}
	for {
		more, err := b.in.ReadByte()
		if err != nil {
			return 0, errBlock
		}
		if n += int64(more); n > maxLargePage {
			return 0, errBlock
		}
		if more < 255 {
			return n, nil
		}
	}
}
