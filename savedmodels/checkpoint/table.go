package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The index is a sorted string table in LevelDB's format (tensorflow/core/lib/io/format.cc), never compressed.
const (
	footerBytes  = 48
	tableMagic   = 0xdb4775248b80fb57
	trailerBytes = 5 // one byte of compression type, four of checksum
)

var (
	errTruncated = errors.New("truncated or corrupt table")
	castagnoli   = crc32.MakeTable(crc32.Castagnoli)
)

// readTable returns the table's entries. Values alias content.
func readTable(content []byte) (map[string][]byte, error) {
	if len(content) < footerBytes {
		return nil, fmt.Errorf("%w: %d bytes", errTruncated, len(content))
	}
	footer := content[len(content)-footerBytes:]
	if binary.LittleEndian.Uint64(footer[footerBytes-8:]) != tableMagic {
		return nil, fmt.Errorf("%w: the last bytes are not those of a table", errTruncated)
	}
	if _, footer = handle(footer); footer == nil { // of the meta index, which is empty
		return nil, errTruncated
	}
	at, _ := handle(footer)
	index, err := readBlock(content, at)
	if err != nil {
		return nil, err
	}
	entries := map[string][]byte{}
	err = eachEntry(index, func(_ string, value []byte) error {
		at, _ := handle(value)
		block, err := readBlock(content, at)
		if err != nil {
			return err
		}
		return eachEntry(block, func(key string, value []byte) error {
			if _, twice := entries[key]; twice {
				return fmt.Errorf("%w: key %.80q twice", errTruncated, key)
			}
			entries[key] = value
			return nil
		})
	})
	return entries, err
}

// blockHandle is where a block lies in the file.
type blockHandle struct{ offset, size uint64 }

func handle(b []byte) (blockHandle, []byte) {
	offset, n := binary.Uvarint(b)
	if n <= 0 {
		return blockHandle{}, nil
	}
	size, k := binary.Uvarint(b[n:])
	if k <= 0 {
		return blockHandle{}, nil
	}
	return blockHandle{offset, size}, b[n+k:]
}

func readBlock(content []byte, at blockHandle) ([]byte, error) {
	limit := uint64(len(content) - footerBytes)
	if at.offset > limit || at.size > limit-at.offset || limit-at.offset-at.size < trailerBytes {
		return nil, fmt.Errorf("%w: a block lies outside the file", errTruncated)
	}
	end := at.offset + at.size
	block, trailer := content[at.offset:end], content[end:end+trailerBytes]
	if trailer[0] != 0 {
		return nil, fmt.Errorf("%w: a block is compressed (type %d)", errTruncated, trailer[0])
	}
	if crc32.Checksum(content[at.offset:end+1], castagnoli) != unmask(binary.LittleEndian.Uint32(trailer[1:])) {
		return nil, fmt.Errorf("%w: checksum of a block differs", errTruncated)
	}
	return block, nil
}

// eachEntry calls f for the entries of a block. A key is stored as what differs from the key before it.
func eachEntry(block []byte, f func(key string, value []byte) error) error {
	if len(block) < 4 {
		return errTruncated
	}
	restarts := uint64(binary.LittleEndian.Uint32(block[len(block)-4:]))
	if restarts > uint64(len(block)-4)/4 {
		return errTruncated
	}
	rest := block[:uint64(len(block)-4)-4*restarts]
	var key []byte
	for len(rest) > 0 {
		var lengths [3]uint64 // shared with the key before, of the key's rest, of the value
		for i := range lengths {
			v, n := binary.Uvarint(rest)
			if n <= 0 || v > uint64(len(block)) {
				return errTruncated
			}
			lengths[i], rest = v, rest[n:]
		}
		if lengths[0] > uint64(len(key)) || lengths[1]+lengths[2] > uint64(len(rest)) {
			return errTruncated
		}
		key = append(key[:lengths[0]], rest[:lengths[1]]...)
		rest = rest[lengths[1]:]
		if err := f(string(key), rest[:lengths[2]]); err != nil {
			return err
		}
		rest = rest[lengths[2]:]
	}
	return nil
}

// unmask undoes what TensorFlow does to a checksum that it stores beside the data.
func unmask(masked uint32) uint32 {
	rotated := masked - 0xa282ead8
	return rotated>>17 | rotated<<15
}
