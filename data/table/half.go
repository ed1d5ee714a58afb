package table

import (
	"encoding/binary"
	"math"

	"upi/float16"
)

// A number is how a float32 of a bulk column is stored, little-endian.
type number struct {
	bytes int
	put   func(to []byte, v float32)
	get   func(from []byte) float32
}

var (
	single = number{4,
		func(to []byte, v float32) { binary.LittleEndian.PutUint32(to, math.Float32bits(v)) },
		func(from []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(from)) },
	}
	halved = number{2,
		func(to []byte, v float32) { binary.LittleEndian.PutUint16(to, float16.Bits(v)) },
		func(from []byte) float32 { return float16.Value(binary.LittleEndian.Uint16(from)) },
	}
)
