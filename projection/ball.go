package projection

import (
	"fmt"
	"math"
)

// Ball is the set of perturbations whose norm is at most Eps, in pixel units (0..255).
type Ball struct {
	Norm Norm
	Eps  float64
}

// Validate returns an error where the norm does not exist or Eps is negative or not finite. Eps may be 0: the ball is
// then the zero perturbation alone.
func (b Ball) Validate() error {
	if !b.Norm.known() {
		return fmt.Errorf("norm number %d does not exist", int(b.Norm))
	}
	if !(b.Eps >= 0) || math.IsInf(b.Eps, 1) {
		return fmt.Errorf("eps is %v: it must be finite and not negative", b.Eps)
	}
	return nil
}

// Contains reports whether v lies in the ball. The norm of the float32 entries is taken in float64, with no tolerance:
// [Ball.Project] lands inside even so.
func (b Ball) Contains(v []float32) bool { return Of(b.Norm, v) <= b.Eps }

// Project moves delta to the nearest point of the ball: scaled to norm Eps for L2, cut off at +-Eps for L-infinity. A point
// of the ball is left as it is, to the bit, so that projecting twice is projecting once. Entries that change are
// rounded toward zero to float32, which keeps the result inside. It returns an error naming the entry where delta is not
// finite; delta is then as it was.
func (b Ball) Project(delta []float32) error {
	if err := b.Validate(); err != nil {
		return err
	}
	if err := finite("perturbation", delta); err != nil {
		return err
	}
	if b.Norm == LInf {
		edge := towardZero(b.Eps)
		for i, v := range delta {
			delta[i] = min(max(v, -edge), edge)
		}
		return nil
	}
	norm := Of(L2, delta)
	for norm > b.Eps {
		scale := b.Eps / norm
		for i, v := range delta {
			delta[i] = towardZero(float64(v) * scale)
		}
		// Rounding toward zero lost at most 2^-23 of each entry. Where all entries were representable and the sum's own
		// rounding still exceeds Eps, one more turn with a norm a little larger ends it.
		norm = Of(L2, delta)
		if norm > b.Eps {
			norm *= 1 + 1e-9
		}
	}
	return nil
}

// Boundary writes to dst the point of the ball's boundary in the direction of v: Eps * v / ||v||_2, or Eps * sign(v) for
// L-infinity (where v is 0 the entry is 0). dst and v may be the same slice. It returns [ErrZero] where v is zero, and an
// error naming the entry where it is not finite.
func Boundary[F Float](b Ball, dst []float32, v []F) error {
	if err := b.Validate(); err != nil {
		return err
	}
	if err := scaled(b.Norm, b.Eps, dst, v); err != nil {
		return fmt.Errorf("scale a direction to eps %g: %w", b.Eps, err)
	}
	return b.Project(dst)
}

// Step moves delta by size along the steepest direction of gradient, and projects: one step of projected gradient ascent.
// It returns [ErrZero] where the gradient is zero, and an error naming the entry where it is not finite; delta is then as
// it was. Scratch holds the direction; it must be as long as delta.
func Step[F Float](b Ball, delta []float32, gradient []F, size float64, scratch []float32) error {
	if len(scratch) != len(delta) {
		return fmt.Errorf("take a step: scratch has %d entries, the perturbation %d", len(scratch), len(delta))
	}
	if math.IsNaN(size) || math.IsInf(size, 0) {
		return fmt.Errorf("take a step: its size is %v, not a finite number", size)
	}
	if err := Steepest(b.Norm, scratch, gradient); err != nil {
		return fmt.Errorf("take a step: %w", err)
	}
	for i, v := range scratch {
		delta[i] = float32(float64(delta[i]) + size*float64(v))
	}
	return b.Project(delta)
}

// towardZero rounds x to the float32 that is nearest to x among those not larger in magnitude.
func towardZero(x float64) float32 {
	rounded := float32(x)
	if math.Abs(float64(rounded)) > math.Abs(x) {
		rounded = math.Nextafter32(rounded, 0)
	}
	return rounded
}
