package random

import (
	"fmt"
	"math"
)

// Normal fills dst with independent normal numbers of mean 0 and standard deviation sigma.
func (s *Stream) Normal(dst []float32, sigma float64) {
	for i := 0; i < len(dst); i += 2 {
		a, b := s.pair()
		dst[i] = float32(sigma * a)
		if i+1 < len(dst) {
			dst[i+1] = float32(sigma * b)
		}
	}
}

// Sphere fills dst with a point that is uniform on the sphere of the given L2 norm: the numbers of Normal(dst, 1), scaled
// (Muller 1959). The norm is met up to the rounding of dst to float32.
func (s *Stream) Sphere(dst []float32, radius float64) {
	for len(dst) > 0 {
		s.Normal(dst, 1)
		sum := 0.0
		for _, v := range dst {
			sum += float64(v) * float64(v)
		}
		if sum > 0 {
			scale := radius / math.Sqrt(sum)
			for i, v := range dst {
				dst[i] = float32(scale * float64(v))
			}
			return
		}
	}
}

// Cube fills dst with a point that is uniform on the surface of the cube [-half, half]^len(dst), the sphere of the
// L-infinity norm: every coordinate uniform, coordinate j = 2u*half - half for the uniform u, then one of the 2 len(dst)
// faces from Index, whose coordinate face/2 becomes half (face even) or -half (odd).
func (s *Stream) Cube(dst []float32, half float64) {
	if len(dst) == 0 {
		return
	}
	for i := range dst {
		dst[i] = float32(half * (2*s.Float64() - 1))
	}
	face := s.Index(2 * len(dst))
	if face%2 == 1 {
		half = -half
	}
	dst[face/2] = float32(half)
}

// Surface fills dst with a point that is uniform on the surface of the ball of radius eps in the p-norm, for p = 2
// ([Stream.Sphere]) and p = +Inf ([Stream.Cube]). Any other p is an error.
func (s *Stream) Surface(dst []float32, p, eps float64) error {
	switch {
	case p == 2:
		s.Sphere(dst, eps)
	case math.IsInf(p, 1):
		s.Cube(dst, eps)
	default:
		return fmt.Errorf("random point on the sphere of the %g-norm: the norm must be 2 or infinity", p)
	}
	return nil
}
