package stages

import (
	"bytes"
	"fmt"
	"image"
	_ "image/png" // the format of targets
	"os"

	"upi/attack"
	"upi/metric"
	"upi/pipeline"
)

// A Goal is where a run wants maps to be. Its parts are nil where nothing looks at them.
type Goal struct {
	// Region is a box, in pixels of the map.
	Region *metric.Region `json:"region,omitempty"`
	// Target is a grey PNG of the map's size, see [ReadTarget].
	Target *pipeline.Input `json:"target,omitempty"`
}

// Part is the goal with those of its parts that are looked at.
func (g Goal) Part(region, target bool) Goal {
	if !region {
		g.Region = nil
	}
	if !target {
		g.Target = nil
	}
	return g
}

// region is the box, empty where there is none.
func (g Goal) region() metric.Region {
	if g.Region == nil {
		return metric.Region{}
	}
	return *g.Region
}

// target reads the map; nil where there is none.
func (g Goal) target(height, width int) ([]float32, error) {
	if g.Target == nil {
		return nil, nil
	}
	return ReadTarget(g.Target.Path(), height, width)
}

// aim makes of a clean map, in place, the map that the function of an objective wants beside the perturbed one; nil where that is the
// clean map itself.
func aim(o attack.Objective, g Goal, height, width int) (func(reference []float32), error) {
	switch o.Of {
	case attack.TopK:
		return func(reference []float32) { metric.MarkMostSalient(reference, o.Share) }, nil
	case attack.Region:
		if g.Region == nil {
			return nil, fmt.Errorf("the objective %s was planned without a region", o.Of)
		}
		inside := make([]float32, height*width)
		if err := g.Region.Mark(inside, height, width); err != nil {
			return nil, err
		}
		return func(reference []float32) { copy(reference, inside) }, nil
	case attack.Target:
		wanted, err := g.target(height, width)
		if err == nil && wanted == nil {
			err = fmt.Errorf("the objective %s was planned without a target", o.Of)
		}
		return func(reference []float32) { copy(reference, wanted) }, err
	}
	return nil, nil
}

// ReadTarget reads a map of height x width values from a grey PNG: the brightness of its pixels, divided by their sum. A picture of
// another size, of colours, with transparent pixels or black throughout is an error.
func ReadTarget(path string, height, width int) ([]float32, error) {
	fail := func(format string, args ...any) ([]float32, error) {
		return nil, fmt.Errorf("read target map %s: %w", path, fmt.Errorf(format, args...))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read target map: %w", err)
	}
	// The size first: a picture may claim to be larger than the memory.
	header, format, err := image.DecodeConfig(bytes.NewReader(text))
	switch {
	case err != nil:
		return fail("it is no PNG: %w", err)
	case format != "png":
		return fail("it is a %s: want a PNG", format)
	case header.Height != height || header.Width != width:
		return fail("it is %d pixels high and %d wide, the maps of this network %d and %d: draw it in their size, or give the "+
			"network a goal of its own (models[].goal)", header.Height, header.Width, height, width)
	}
	picture, _, err := image.Decode(bytes.NewReader(text))
	if err != nil {
		return fail("%w", err)
	}
	values, sum := make([]float64, height*width), 0.0
	for i := range values {
		x, y := i%width, i/width
		r, g, b, a := picture.At(picture.Bounds().Min.X+x, picture.Bounds().Min.Y+y).RGBA()
		if a != 0xffff || r != g || g != b {
			return fail("the pixel in row %d, column %d is not grey, or transparent: want a grey PNG", y, x)
		}
		values[i] = float64(r)
		sum += values[i]
	}
	if sum == 0 {
		return fail("it is black throughout: a map has some place that is brighter")
	}
	target := make([]float32, len(values))
	for i, v := range values {
		target[i] = float32(v / sum)
	}
	return target, nil
}
