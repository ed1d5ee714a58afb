package float16

import (
	"math"
	"testing"
)

// TestHalvesAreExact: every number of half precision is read and written as itself.
func TestHalvesAreExact(t *testing.T) {
	for i := range 1 << 16 {
		half := uint16(i)
		v := Value(half)
		if got := Bits(v); got != half && !math.IsNaN(float64(v)) {
			t.Fatalf("%#04x is %g, and that %#04x", half, v, got)
		}
	}
}

// TestValue has values that numpy gives for np.array([bits], np.uint16).view(np.float16).
func TestValue(t *testing.T) {
	inf := float32(math.Inf(1))
	for bits, want := range map[uint16]float32{
		0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x3555: 0.333251953125, 0x0001: 5.9604644775390625e-08,
		0x03ff: 6.097555160522461e-05, 0x0400: 6.103515625e-05, 0x8401: -6.109476089477539e-05, 0x7c00: inf, 0xfc00: -inf,
	} {
		if got := Value(bits); got != want {
			t.Errorf("%#04x is %g, want %g", bits, got, want)
		}
	}
	if got := Value(0x7e00); got == got {
		t.Errorf("0x7e00 is %g, want NaN", got)
	}
}
