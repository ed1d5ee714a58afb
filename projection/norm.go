// Package projection keeps perturbations inside the ball of a norm: projection, the steepest step, the ball's boundary,
// the bounds of pixel values, and the schedules by which steps shrink.
//
// A perturbation is a flat []float32 in pixel units (0..255), of whatever shape.
package projection

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Norm is the norm that a budget eps is measured in. In text it is "l2" or "linf".
type Norm int

const (
	L2   Norm = iota // the Euclidean norm over all pixels and channels
	LInf             // the largest absolute value
)

var norms = []struct {
	name string
	p    float64
}{
	L2:   {"l2", 2},
	LInf: {"linf", math.Inf(1)},
}

// ErrZero is returned where a direction is asked of a vector that is zero everywhere.
var ErrZero = errors.New("the vector is zero and has no direction")

// P returns the norm's exponent, 2 or +Inf.
func (n Norm) P() float64 {
	if !n.known() {
		return math.NaN()
	}
	return norms[n].p
}

// String returns the norm's name.
func (n Norm) String() string {
	if !n.known() {
		return fmt.Sprintf("Norm(%d)", int(n))
	}
	return norms[n].name
}

// MarshalText returns the norm's name.
func (n Norm) MarshalText() ([]byte, error) {
	if !n.known() {
		return nil, fmt.Errorf("norm number %d does not exist", int(n))
	}
	return []byte(norms[n].name), nil
}

// UnmarshalText takes the name of a norm, "l2" or "linf".
func (n *Norm) UnmarshalText(text []byte) error {
	for i, norm := range norms {
		if norm.name == string(text) {
			*n = Norm(i)
			return nil
		}
	}
	return fmt.Errorf("norm %q is unknown: take one of %s", text, strings.Join(normNames(), ", "))
}

func (n Norm) known() bool { return n >= 0 && int(n) < len(norms) }

func normNames() []string {
	names := make([]string, len(norms))
	for i, norm := range norms {
		names[i] = norm.name
	}
	return names
}

// Float is the type of an entry of a gradient.
type Float interface{ ~float32 | ~float64 }

// Of returns the norm of v, computed in float64. It is NaN where v holds a NaN.
func Of[F Float](n Norm, v []F) float64 {
	sum, largest := 0.0, 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
		largest = max(largest, math.Abs(float64(x)))
	}
	switch n {
	case L2:
		return math.Sqrt(sum)
	case LInf:
		return largest
	default:
		return math.NaN()
	}
}

// Steepest writes to dst the direction of norm 1 along which a function with the given gradient rises fastest: the
// gradient over its L2 norm, or its sign (0 stays 0) for L-infinity. dst and gradient may be the same slice. It returns
// [ErrZero] where the gradient is zero, and an error naming the entry where it is not finite; dst is then as it was.
func Steepest[F Float](n Norm, dst []float32, gradient []F) error {
	return scaled(n, 1, dst, gradient)
}

// scaled writes to dst the steepest direction, scaled to the given norm and rounded to float32 once.
func scaled[F Float](n Norm, length float64, dst []float32, gradient []F) error {
	if !n.known() {
		return fmt.Errorf("norm number %d does not exist", int(n))
	}
	if len(dst) != len(gradient) {
		return fmt.Errorf("the gradient has %d entries, its destination %d", len(gradient), len(dst))
	}
	if err := finite("gradient", gradient); err != nil {
		return err
	}
	// Dividing by the largest entry first keeps squares of tiny or huge gradients from vanishing or overflowing.
	largest := Of(LInf, gradient)
	if largest == 0 {
		return ErrZero
	}
	if n == LInf {
		for i, g := range gradient {
			dst[i] = float32(length * sign(float64(g)))
		}
		return nil
	}
	sum := 0.0
	for _, g := range gradient {
		ratio := float64(g) / largest
		sum += ratio * ratio
	}
	factor := length / math.Sqrt(sum)
	for i, g := range gradient {
		dst[i] = float32(float64(g) / largest * factor)
	}
	return nil
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	default:
		return 0
	}
}

func finite[F Float](what string, v []F) error {
	for i, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return fmt.Errorf("entry %d of the %s is %v, not a finite number", i, what, x)
		}
	}
	return nil
}
