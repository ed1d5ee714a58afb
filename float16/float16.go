// Package float16 converts numbers of half precision, IEEE 754 binary16, from and to float32.
package float16

import "math"

// Bits returns the bits of the number next to v, ties to even; what is too large becomes infinite.
func Bits(v float32) uint16 {
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

// Value is the number that bits stand for.
func Value(bits uint16) float32 {
	sign, exponent, fraction := uint32(bits>>15)<<31, int(bits>>10&31), float64(bits&1023)
	var value float64
	switch exponent {
	case 0:
		value = math.Ldexp(fraction, -24)
	case 31:
		value = math.Inf(1)
		if fraction != 0 {
			value = math.NaN()
		}
	default:
		value = math.Ldexp(1024+fraction, exponent-25)
	}
	return math.Float32frombits(math.Float32bits(float32(value)) | sign)
}
