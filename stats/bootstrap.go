package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Observation is the value of one image.
type Observation struct {
	ID    int64
	Value float64
}

// Differences holds the differences of two sets of values, image by image.
type Differences struct {
	Values []float64 // in ascending order of id, no NaN
	// Unpaired counts the ids that are in one set only.
	Unpaired int
	// Missing counts the ids that are in both sets, and NaN in one at least.
	Missing int
}

// Pair returns first - second for each image that both have, whatever their order. An id that occurs twice in a set is an
// error.
func Pair(first, second []Observation) (Differences, error) {
	a, err := sortedByID(first)
	if err != nil {
		return Differences{}, fmt.Errorf("pair images: first set: %w", err)
	}
	b, err := sortedByID(second)
	if err != nil {
		return Differences{}, fmt.Errorf("pair images: second set: %w", err)
	}
	var d Differences
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].ID < b[0].ID:
			a = a[1:]
			d.Unpaired++
			continue
		case a[0].ID > b[0].ID:
			b = b[1:]
			d.Unpaired++
			continue
		}
		if difference := a[0].Value - b[0].Value; math.IsNaN(difference) {
			d.Missing++
		} else {
			d.Values = append(d.Values, difference)
		}
		a, b = a[1:], b[1:]
	}
	d.Unpaired += len(a) + len(b)
	return d, nil
}

func sortedByID(observations []Observation) ([]Observation, error) {
	sorted := slices.Clone(observations)
	slices.SortFunc(sorted, func(a, b Observation) int {
		switch {
		case a.ID < b.ID:
			return -1
		case a.ID > b.ID:
			return 1
		default:
			return 0
		}
	})
	for i := 1; i < len(sorted); i++ {
		if sorted[i].ID == sorted[i-1].ID {
			return nil, fmt.Errorf("image %d occurs twice", sorted[i].ID)
		}
	}
	return sorted, nil
}

// Bootstrap draws images with replacement (Efron and Tibshirani 1993). The zero value makes 2000 resamples from seed 0 for
// a level of 0.95.
type Bootstrap struct {
	// Resamples is the number of resamples; 0 stands for 2000.
	Resamples int
	// Level is the share of resampled means inside the interval; 0 stands for 0.95.
	Level float64
	// Seed and the number of values decide what is drawn: math/rand/v2's PCG seeded with (Seed, number of values).
	Seed uint64
}

// Mean returns the percentile interval of the mean of values. Of the differences that [Pair] returns it is the paired
// interval. NaNs are left out. The interval is NaN for fewer than two values. Resamples below 0, or a Level not between 0
// and 1, is an error.
func (b Bootstrap) Mean(values []float64) (Interval, error) {
	resamples, level := b.Resamples, b.Level
	if resamples == 0 {
		resamples = 2000
	}
	if level == 0 {
		level = 0.95
	}
	if resamples < 0 || !(level > 0 && level < 1) {
		return Interval{}, fmt.Errorf("bootstrap %d times at the level %v: want a number above 0, and a level between 0 and 1", resamples, level)
	}
	values = slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(values) < 2 {
		return Interval{math.NaN(), math.NaN()}, nil
	}
	means := make([]float64, resamples)
	source := rand.NewPCG(b.Seed, uint64(len(values)))
	for i := range means {
		means[i] = resampledMean(source, values)
	}
	slices.Sort(means)
	return Interval{quantile(means, (1-level)/2), quantile(means, (1+level)/2)}, nil
}

// resampledMean is the mean of as many values, drawn with replacement: 32 random bits each, the bias is below n / 2^32.
func resampledMean(source *rand.PCG, values []float64) float64 {
	n := uint64(len(values))
	sum := 0.0
	for left := len(values); left > 0; left -= 2 {
		word := source.Uint64()
		sum += values[((word>>32)*n)>>32]
		if left > 1 {
			sum += values[((word&math.MaxUint32)*n)>>32]
		}
	}
	return sum / float64(n)
}
