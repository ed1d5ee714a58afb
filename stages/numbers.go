package stages

import "math"

// argmax returns the first of the largest values.
func argmax(values []float32) int {
	best := 0
	for i, v := range values {
		if v > values[best] {
			best = i
		}
	}
	return best
}

// probability returns the softmax probability of class c.
func probability(logits []float32, c int) float64 {
	largest := float64(logits[argmax(logits)])
	total := 0.0
	for _, z := range logits {
		total += math.Exp(float64(z) - largest)
	}
	return math.Exp(float64(logits[c])-largest) / total
}

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
