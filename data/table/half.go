package table

import (
	"encoding/binary"
	"math"
)

// toHalf returns the bits of the IEEE 754 half-precision number next to v, ties to even; what is too large becomes infinite.
func toHalf(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	exponent, fraction := int(bits>>23&0xff), bits&0x7fffff
	switch {
	case exponent == 0xff && fraction != 0:
		return sign | 0x7e00
	case exponent > 127+15:
		return sign | 0x7c00
	case exponent < 127-25:
		return sign
	}
	fraction |= 1 << 23
	shift, base := 13, uint32(exponent-127+14)<<10 // the leading bit of the fraction adds 1 to the exponent
	if exponent < 127-14 {                         // a subnormal number
		shift, base = 13+127-14-exponent, 0
	}
	half := base + fraction>>shift
	if rest, middle := fraction&(1<<shift-1), uint32(1)<<(shift-1); rest > middle || rest == middle && half&1 == 1 {
		half++ // into the exponent where the fraction is full, which is right, up to infinity
	}
	return sign | uint16(half)
}

// fromHalf is the value of the bits of a half-precision number.
func fromHalf(half uint16) float32 {
	exponent, fraction := int(half>>10&0x1f), float64(half&0x3ff)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(fraction, -24)
	case 0x1f:
		v = math.Inf(1)
		if fraction != 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	if half&0x8000 != 0 {
		v = -v
	}
	return float32(v)
}

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
		func(to []byte, v float32) { binary.LittleEndian.PutUint16(to, toHalf(v)) },
		func(from []byte) float32 { return fromHalf(binary.LittleEndian.Uint16(from)) },
	}
)
