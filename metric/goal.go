package metric

import (
	"fmt"
	"math"
)

// A Region is a box of pixels of a map. The zero value is none.
type Region struct {
	Top    int `json:"top"`
	Left   int `json:"left"`
	Height int `json:"height"`
	Width  int `json:"width"`
}

// Check returns an error unless the box has a pixel and lies in maps of height x width.
func (r Region) Check(height, width int) error {
	// Sums of large numbers could wrap around.
	inside := func(start, length, size int) bool {
		return start >= 0 && length >= 1 && start < size && length <= size-start
	}
	if !inside(r.Top, r.Height, height) || !inside(r.Left, r.Width, width) {
		return fmt.Errorf("the box of %d x %d pixels whose first is row %d, column %d (counted from 0) does not lie in a map of %d x %d",
			r.Height, r.Width, r.Top, r.Left, height, width)
	}
	return nil
}

// Mark writes 1 to the pixels of the box and 0 to all others of a map of height x width.
func (r Region) Mark(values []float32, height, width int) error {
	if err := r.Check(height, width); err != nil {
		return err
	}
	clear(values)
	for y := r.Top; y < r.Top+r.Height; y++ {
		for x := r.Left; x < r.Left+r.Width; x++ {
			values[y*width+x] = 1
		}
	}
	return nil
}

// share is that of the map's sum which lies in the box, NaN where the sum is 0.
func (r Region) share(values []float32, width int) float64 {
	inside, total := 0.0, 0.0
	for i, v := range values {
		y, x := i/width, i%width
		if y >= r.Top && y < r.Top+r.Height && x >= r.Left && x < r.Left+r.Width {
			inside += float64(v)
		}
		total += float64(v)
	}
	if total == 0 {
		return math.NaN()
	}
	return inside / total
}

func regionShare(in *Inputs, _ *scratch) float64 { return in.Region.share(in.Perturbed, in.Width) }

func regionGain(in *Inputs, _ *scratch) float64 {
	return in.Region.share(in.Perturbed, in.Width) - in.Region.share(in.Clean, in.Width)
}

func targetDistance(in *Inputs, _ *scratch) float64 {
	before, after := 0.0, 0.0
	for i, v := range in.Target {
		b, a := float64(v)-float64(in.Clean[i]), float64(v)-float64(in.Perturbed[i])
		before += b * b
		after += a * a
	}
	if before == 0 {
		return math.NaN()
	}
	return math.Sqrt(after / before)
}

func keptL2(in *Inputs, s *scratch) float64 {
	if in.CleanPrediction != in.PerturbedPrediction {
		return math.NaN()
	}
	return normalizedL2(in, s)
}
