// Package stats summarises per-image values: mean, standard error, quantiles, and intervals of differences that are paired
// by image. NaN marks a value that is not there: it is counted and left out everywhere.
package stats

import (
	"math"
)

// Summary describes values that come one by one, in constant memory (Welford 1962). The zero Summary describes none. Its
// fields are all of its state, so that it can be stored and merged.
type Summary struct {
	N       int     // values
	Missing int     // NaNs, which are in no other field
	Mean    float64 // 0 where N is 0
	// Squares is the sum of the squared distances to Mean.
	Squares  float64
	Min, Max float64 // 0 where N is 0
}

// Of returns the summary of values.
func Of(values ...float64) Summary {
	var s Summary
	for _, v := range values {
		s.Add(v)
	}
	return s
}

// Add takes one value in; a NaN counts as missing.
func (s *Summary) Add(value float64) {
	if math.IsNaN(value) {
		s.Missing++
		return
	}
	s.Merge(Summary{N: 1, Mean: value, Min: value, Max: value})
}

// Merge takes in the values of another summary (Chan, Golub and LeVeque 1979).
func (s *Summary) Merge(other Summary) {
	s.Missing += other.Missing
	if other.N == 0 {
		return
	}
	if s.N == 0 {
		missing := s.Missing
		*s = other
		s.Missing = missing
		return
	}
	n := float64(s.N + other.N)
	distance := other.Mean - s.Mean
	share := float64(other.N) / n
	s.Mean += distance * share
	s.Squares += other.Squares + distance*distance*float64(s.N)*share
	s.Min, s.Max = min(s.Min, other.Min), max(s.Max, other.Max)
	s.N += other.N
}

// StdDev returns the sample standard deviation, with N-1 below; NaN for fewer than two values. Over the means of several
// seeds it is the standard deviation over seeds.
func (s Summary) StdDev() float64 {
	if s.N < 2 {
		return math.NaN()
	}
	return math.Sqrt(s.Squares / float64(s.N-1))
}

// StdErr returns the standard error of the mean; NaN for fewer than two values.
func (s Summary) StdErr() float64 { return s.StdDev() / math.Sqrt(float64(s.N)) }

// Interval is a range of values, both ends included.
type Interval struct{ Low, High float64 }

// quantile returns the quantile at probability p of sorted values, by linear interpolation between order statistics (numpy's default;
// Hyndman and Fan's type 7); NaN where there are none.
func quantile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	position := p * float64(len(sorted)-1)
	below := int(position)
	above := min(below+1, len(sorted)-1)
	if sorted[below] == sorted[above] {
		// Also keeps infinities from making a NaN.
		return sorted[below]
	}
	return sorted[below] + (position-float64(below))*(sorted[above]-sorted[below])
}

// Defined returns x, or nil for NaN: what a table has where a number is not defined.
func Defined(x float64) *float64 {
	if math.IsNaN(x) {
		return nil
	}
	return &x
}
