package stages

import "math"

func add(x, y []float32) {
	for j, v := range y {
		x[j] += v
	}
}

func scale(x []float32, factor float32) {
	for j := range x {
		x[j] *= factor
	}
}

// squared returns the squared L2 norm.
func squared(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
