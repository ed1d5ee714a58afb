package metric

import (
	"math"
	"slices"
)

// scratch holds the buffers of an evaluator, and the rankings of the image at hand, which several metrics share.
type scratch struct {
	clean, perturbed ranking
	pairs            []uint64
	merge            []uint32
	columns          []windowSums
	chosen           []bool
}

// forget drops the rankings of the last image and keeps the buffers.
func (s *scratch) forget() { s.clean.known, s.perturbed.known = false, false }

// ranking orders the pixels of a map from the most to the least salient, ties by pixel index.
type ranking struct {
	known bool
	// The pixel is the low half of a key, the order of its value the high half.
	keys []uint64
	// tied[i] is the number of the group of equal values that pixel i is in, counted from the most salient.
	tied []uint32
	// average[i] is the average rank of pixel i's group, less the average of all ranks.
	average []float64
	// ties is the number of pairs of pixels with equal values.
	ties int64
}

// of sorts the map on its first call for an image.
func (r *ranking) of(values []float32) *ranking {
	if r.known {
		return r
	}
	n := len(values)
	r.keys = slices.Grow(r.keys[:0], n)[:n]
	r.tied = slices.Grow(r.tied[:0], n)[:n]
	r.average = slices.Grow(r.average[:0], n)[:n]
	r.ties, r.known = 0, true
	for i, v := range values {
		r.keys[i] = uint64(^ascending(v))<<32 | uint64(i)
	}
	slices.Sort(r.keys)
	group := uint32(0)
	for start := 0; start < n; group++ {
		end := start + 1
		for end < n && r.keys[end]>>32 == r.keys[start]>>32 {
			end++
		}
		average := float64(start+end-1)/2 - float64(n-1)/2
		for _, key := range r.keys[start:end] {
			r.tied[uint32(key)] = group
			r.average[uint32(key)] = average
		}
		size := int64(end - start)
		r.ties += size * (size - 1) / 2
		start = end
	}
	return r
}

// ascending maps float32 values to integers of the same order; -0 and 0 are equal.
func ascending(v float32) uint32 {
	bits := math.Float32bits(v + 0)
	if bits>>31 == 1 {
		return ^bits
	}
	return bits | 1<<31
}

// salient is how many pixels are a share of n.
func salient(share float64, n int) int { return max(1, int(math.Floor(share*float64(n)+0.5))) }

// MarkMostSalient writes 1 to the most salient pixels of a map, as many as the share says and those that top_k looks at, and 0 to all
// others. The share is above 0 and at most 1.
func MarkMostSalient(values []float32, share float64) {
	var r ranking
	keys := r.of(values).keys[:salient(share, len(values))]
	clear(values)
	for _, key := range keys {
		values[uint32(key)] = 1
	}
}

func topK(in *Inputs, s *scratch) float64 {
	n := len(in.Clean)
	k := salient(in.TopK, n)
	s.chosen = slices.Grow(s.chosen[:0], n)[:n]
	clear(s.chosen)
	for _, key := range s.clean.of(in.Clean).keys[:k] {
		s.chosen[uint32(key)] = true
	}
	kept := 0
	for _, key := range s.perturbed.of(in.Perturbed).keys[:k] {
		if s.chosen[uint32(key)] {
			kept++
		}
	}
	return float64(kept) / float64(k)
}

func spearman(in *Inputs, s *scratch) float64 {
	clean, perturbed := s.clean.of(in.Clean), s.perturbed.of(in.Perturbed)
	product, squares1, squares2 := 0.0, 0.0, 0.0
	for i, a := range clean.average {
		b := perturbed.average[i]
		product += a * b
		squares1 += a * a
		squares2 += b * b
	}
	return correlation(product, squares1, squares2)
}

// kendall counts discordant pairs as the exchanges of a merge sort (Knight 1966), in O(n log n).
func kendall(in *Inputs, s *scratch) float64 {
	n := len(in.Clean)
	clean, perturbed := s.clean.of(in.Clean), s.perturbed.of(in.Perturbed)
	s.pairs = slices.Grow(s.pairs[:0], n)[:n]
	for i, group := range clean.tied {
		s.pairs[i] = uint64(group)<<32 | uint64(perturbed.tied[i])
	}
	slices.Sort(s.pairs)
	s.merge = slices.Grow(s.merge[:0], 2*n)[:2*n]
	second := s.merge[:n]
	both, run := int64(0), int64(0) // pairs tied in both maps
	for i, pair := range s.pairs {
		if i > 0 && pair == s.pairs[i-1] {
			run++
			both += run
		} else {
			run = 0
		}
		second[i] = uint32(pair)
	}
	discordant := exchanges(second, s.merge[n:])
	all := int64(n) * int64(n-1) / 2
	// Of all pairs, those tied in neither map are concordant or discordant.
	difference := all - clean.ties - perturbed.ties + both - 2*discordant
	return correlation(float64(difference), float64(all-clean.ties), float64(all-perturbed.ties))
}

// exchanges returns the number of pairs of values that stand in descending order. Both slices are overwritten.
func exchanges(values, buffer []uint32) int64 {
	count := int64(0)
	for width := 1; width < len(values); width *= 2 {
		for low := 0; low < len(values); low += 2 * width {
			middle := min(low+width, len(values))
			high := min(low+2*width, len(values))
			count += merge(values[low:middle], values[middle:high], buffer[low:high])
		}
		values, buffer = buffer, values
	}
	return count
}

// merge writes two ascending runs to dst in ascending order, and returns how many pairs of left and right are descending.
func merge(left, right, dst []uint32) int64 {
	count := int64(0)
	for i := range dst {
		if len(right) == 0 || len(left) > 0 && left[0] <= right[0] {
			dst[i], left = left[0], left[1:]
		} else {
			dst[i], right = right[0], right[1:]
			count += int64(len(left))
		}
	}
	return count
}
