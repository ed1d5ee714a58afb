package parity

import (
	"fmt"
	"math"
	"slices"
)

// An agreement is that of gradients, each slice with one value per image.
type agreement struct {
	norm           []float64 // of Python's float64
	double, single []float64 // 1 - cosine of Go's float32 and Python's float64, float32
	noise          []float64 // 1 - cosine of Python's float32 and float64
	relative       []float64 // difference of Go's float32 and Python's float64
}

// add takes one image's gradient from Go and from Python; single is empty where Python has none.
func (a *agreement) add(got, single, double []float32) {
	a.norm = append(a.norm, norm(double))
	a.double = append(a.double, 1-cosine(got, double))
	a.relative = append(a.relative, relative(got, double))
	if len(single) > 0 {
		a.single = append(a.single, 1-cosine(got, single))
		a.noise = append(a.noise, 1-cosine(single, double))
	}
}

// String is four columns of the table; nil stands for what is not compared.
func (a *agreement) String() string {
	if a == nil {
		return "-\t-\t-\t-"
	}
	python := "-"
	if len(a.noise) > 0 {
		python = fmt.Sprintf("%.0e", slices.Max(a.noise))
	}
	return fmt.Sprintf("%.0e\t%.0e\t%.0e\t%s", median(a.double), slices.Max(a.double), median(a.relative), python)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// part is what belongs to image i of n.
func part(values []float32, i, n int) []float32 {
	size := len(values) / n
	return values[i*size : (i+1)*size]
}

func softmax(logits []float32) []float32 {
	p := make([]float32, len(logits))
	largest, total := slices.Max(logits), 0.0
	for _, z := range logits {
		total += math.Exp(float64(z - largest))
	}
	for k, z := range logits {
		p[k] = float32(math.Exp(float64(z-largest)) / total)
	}
	return p
}

func norm(a []float32) float64 {
	sum := 0.0
	for _, v := range a {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

func relative(got, want []float32) float64 {
	difference := make([]float32, len(want))
	for i := range want {
		difference[i] = got[i] - want[i]
	}
	return norm(difference) / norm(want)
}

func cosine(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum / (norm(a) * norm(b))
}
