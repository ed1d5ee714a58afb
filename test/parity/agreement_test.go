package parity

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"upi/savedmodels/saliency"
)

// An agreement is that of gradients, each slice with one value per image.
type agreement struct {
	single, double []float64 // 1 - cosine of Go's float32 and Python's float32, float64
	python         []float64 // 1 - cosine of Python's float32 and float64
	size           []float64 // relative difference of the norms of Go's float32 and the closer of Python's
}

// agree compares the gradients of a batch with the references, image by image. Where one is off, rounding may have opened a
// rectifier here that is closed there: of some images that are moved by no more than rounding the closest counts, while a wrong rule
// is off at each of them.
func (c *comparison) agree(order string, batch saliency.Batch, gradients func(saliency.Batch) []float32, want func(reference) (single, double []float32)) *agreement {
	a := &agreement{}
	rng := rand.New(rand.NewPCG(1, 2))
	pixels := batch.Pixels
	for try := 0; try == 0 || try <= tries && !(a.worst() < 1); try++ {
		if try > 0 {
			c.Logf("%s: %.2g times as far off as may be, try %d", order, a.worst(), try)
			batch.Pixels = slices.Clone(pixels)
			for i := range pixels {
				batch.Pixels[i] += float32(rounding * rng.NormFloat64())
			}
		}
		got := gradients(batch)
		for i, row := range c.rows {
			single, double := want(row)
			a.take(i, part(got, i, len(c.rows)), single, double)
		}
	}
	for i, row := range c.rows {
		if _, double := want(row); !(norm(double) > minNorm) {
			c.Errorf("%s, image %d: the reference is degenerate, its norm %.2g", order, i, norm(double))
		}
		if !(a.off(i) < maxAngle) {
			c.Errorf("%s, image %d: 1 - cosine to Python's float32 is %.2g, to its float64 %.2g", order, i, a.single[i], a.double[i])
		}
		if !(a.size[i] < maxDifference) {
			c.Errorf("%s, image %d: the norm is %.2g off", order, i, a.size[i])
		}
	}
	return a
}

// take puts in a gradient of image i, unless a closer one was there.
func (a *agreement) take(i int, got, single, double []float32) {
	s, d := 1-cosine(got, single), 1-cosine(got, double)
	closer := double
	if s < d {
		closer = single
	}
	size := math.Abs(norm(got)/norm(closer) - 1)
	if i == len(a.single) {
		a.single, a.double, a.size = append(a.single, s), append(a.double, d), append(a.size, size)
		a.python = append(a.python, 1-cosine(single, double))
		return
	}
	far, wasSingle, wasDouble, wasSize := a.far(i), a.single[i], a.double[i], a.size[i]
	a.single[i], a.double[i], a.size[i] = s, d, size
	if !(a.far(i) < far) {
		a.single[i], a.double[i], a.size[i] = wasSingle, wasDouble, wasSize
	}
}

// off is 1 - cosine to both of Python's, or to one of them where its own float32 is noisy.
func (a *agreement) off(i int) float64 {
	if a.python[i] > maxAngle/10 {
		return min(a.single[i], a.double[i])
	}
	return max(a.single[i], a.double[i])
}

// far is how far image i is off in direction or in size, 1 being as far as it may be.
func (a *agreement) far(i int) float64 { return max(a.off(i)/maxAngle, a.size[i]/maxDifference) }

func (a *agreement) worst() float64 {
	worst := 0.0
	for i := range a.single {
		worst = max(worst, a.far(i))
	}
	return worst
}

// String is three columns of the table, each for the worst image; nil stands for what is not compared.
func (a *agreement) String() string {
	if a == nil {
		return "-\t-\t-"
	}
	return fmt.Sprintf("%.0e\t%.0e\t%.0e", slices.Max(a.single), slices.Max(a.double), slices.Max(a.python))
}

// part is what belongs to image i of n.
func part(values []float32, i, n int) []float32 {
	size := len(values) / n
	return values[i*size : (i+1)*size]
}

func norm(a []float32) float64 {
	sum := 0.0
	for _, v := range a {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

func relative(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
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
