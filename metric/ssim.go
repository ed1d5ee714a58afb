package metric

import (
	"math"
	"slices"
)

// window is the side of the square that the local statistics are taken over.
const window = 7

// windowSums holds the sums over some pixels of the two maps, their squares and their product.
type windowSums struct{ x, y, xx, yy, xy float64 }

// add adds a pixel, or takes one away where weight is -1.
func (s *windowSums) add(x, y, weight float64) {
	s.x += weight * x
	s.y += weight * y
	s.xx += weight * x * x
	s.yy += weight * y * y
	s.xy += weight * x * y
}

// ssim is the mean structural similarity of Wang et al. (2004) as scikit-image computes it by default: a uniform 7 x 7
// window, sample covariance, K1 = 0.01, K2 = 0.03, the mean over the windows that lie inside the image. Both maps are
// divided by the clean map's maximum and the data range is 1.
func ssim(in *Inputs, s *scratch) float64 {
	largest := float64(slices.Max(in.Clean))
	if in.Height < window || in.Width < window || !(largest > 0) {
		return math.NaN()
	}
	s.columns = slices.Grow(s.columns[:0], in.Width)[:in.Width]
	clear(s.columns)
	row := func(r int, weight float64) {
		start := r * in.Width
		for c := range s.columns {
			s.columns[c].add(float64(in.Clean[start+c])/largest, float64(in.Perturbed[start+c])/largest, weight)
		}
	}
	total := 0.0
	for r := range in.Height {
		row(r, 1)
		if r < window-1 {
			continue
		}
		total += similarities(s.columns)
		row(r-window+1, -1)
	}
	return total / float64((in.Height-window+1)*(in.Width-window+1))
}

// similarities sums the similarity of the windows of one row of windows, given the sums of each column.
func similarities(columns []windowSums) float64 {
	total := 0.0
	for c := window; c <= len(columns); c++ {
		var sums windowSums
		for i := range columns[c-window : c] {
			column := &columns[c-window+i]
			sums.x += column.x
			sums.y += column.y
			sums.xx += column.xx
			sums.yy += column.yy
			sums.xy += column.xy
		}
		total += similarity(sums)
	}
	return total
}

func similarity(s windowSums) float64 {
	const (
		n  = window * window
		c1 = 0.01 * 0.01
		c2 = 0.03 * 0.03
	)
	x, y := s.x/n, s.y/n
	varianceX := (s.xx - n*x*x) / (n - 1)
	varianceY := (s.yy - n*y*y) / (n - 1)
	covariance := (s.xy - n*x*y) / (n - 1)
	return (2*x*y + c1) * (2*covariance + c2) / ((x*x + y*y + c1) * (varianceX + varianceY + c2))
}
