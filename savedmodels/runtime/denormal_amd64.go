package runtime

// #include <xmmintrin.h>
// static unsigned int upi_mxcsr(void) { return _mm_getcsr(); }
// static void upi_set_mxcsr(unsigned int control) { _mm_setcsr(control); }
import "C"

// flushToZero and denormalsAreZero are bits of MXCSR: results, and operands, that are denormal become 0.
const (
	flushToZero      = 0x8000
	denormalsAreZero = 0x0040
)

// floatControl reads the register of the calling thread that says how it computes with floating-point numbers.
func floatControl() uint32 { return uint32(C.upi_mxcsr()) }

// setFloatControl writes that register and returns what it was.
func setFloatControl(control uint32) uint32 {
	old := floatControl()
	C.upi_set_mxcsr(C.uint(control))
	return old
}

// flushed is a register's value with denormals flushed to zero.
func flushed(control uint32) uint32 { return control | flushToZero | denormalsAreZero }
