package runtime

import (
	"math"
	goruntime "runtime"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// The smallest normal float32 is 2^-126, about 1.2e-38: a tenth of it is a denormal.
const smallestNormal = 0x1p-126

// product is a graph of y = a * b for a of shape [4], b of shape [1].
func product(t *testing.T) (s *Session, a, b, y tf.Output) {
	t.Helper()
	scope := ops.NewScope(tf.NewGraph(), "product")
	a, b = scope.Placeholder(tf.Float, 4), scope.Placeholder(tf.Float, 1)
	y = scope.One("CheckNumerics", ops.Attrs{"message": "product"}, scope.One("Mul", nil, a, b))
	if err := scope.Err(); err != nil {
		t.Fatal(err)
	}
	s, err := NewSession(scope.Graph(), Device{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, a, b, y
}

// multiply is a product that the compiler does not make.
//
//go:noinline
func multiply(a, b float32) float32 { return a * b }

// unchanged fails unless the calling thread computes with denormals, under the control that it had before.
func unchanged(t *testing.T, before uint32) {
	t.Helper()
	if now := floatControl(); now&^0x3f != before&^0x3f { // the lower six bits are flags of what has happened
		t.Errorf("the thread's MXCSR is %#x after the call, %#x before it", now, before)
	}
	if tiny := multiply(smallestNormal, 0.25); tiny != 0x1p-128 {
		t.Errorf("Go computes 2^-126 / 4 = %g, want 2^-128", tiny)
	}
}

func TestDenormalsAreZeroInACallAndNowhereElse(t *testing.T) {
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	s, a, b, y := product(t)
	before := floatControl()
	got := make([]float32, 4)
	run := func(x float32, by float32) error {
		return s.Run([]Feed{{To: a, Floats: []float32{x, x, x, 1}}, {To: b, Floats: []float32{by}}}, []Fetch{{y, got}})
	}
	for _, c := range []struct {
		name     string
		x, by    float32
		want     float32
		wantLast float32
	}{
		{"a denormal result", smallestNormal, 0.25, 0, 0.25},
		{"a denormal operand", 0x1p-130, 0x1p20, 0, 0x1p20},
		{"normal numbers", smallestNormal, 4, 0x1p-124, 4},
	} {
		if err := run(c.x, c.by); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got[0] != c.want || got[2] != c.want || got[3] != c.wantLast {
			t.Errorf("%s: %g times %g gives %g, want %g", c.name, c.x, c.by, got[0], c.want)
		}
		unchanged(t, before)
	}
	if err := run(float32(math.Inf(1)), 0); err == nil {
		t.Error("a product that is not a number is no error")
	}
	unchanged(t, before)
	func() {
		defer func() { _ = recover() }()
		flushing(func() { panic("in a call") })
	}()
	unchanged(t, before)
}

// TestDenormalsInProductsOfRows holds the products of UPI-PCA's passes to the same.
func TestDenormalsInProductsOfRows(t *testing.T) {
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	before := floatControl()
	g, err := NewGram(1, 1, 1, Device{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	vector, err := NewBuffer(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	row, err := NewBuffer(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	vector.Floats()[0], row.Floats()[0] = 1, 0x1p-64 // whose square is 2^-128
	got := []float32{1}
	if err := g.Multiply(got, vector, row); err != nil {
		t.Fatal(err)
	}
	if got[0] != 0 {
		t.Errorf("the product is %g, want 0", got[0])
	}
	unchanged(t, before)
}
