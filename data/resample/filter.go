package resample

import (
	"fmt"
	"math"
	"strings"
)

// A Filter weighs the pixels around a place. Its zero value is Bilinear.
type Filter int

// The filters, by Pillow's names.
const (
	Bilinear Filter = iota
	Bicubic
	Lanczos
	// Nearest takes one pixel and weighs none.
	Nearest
)

// kernels has a line for each filter: half the width of what it reaches, in pixels of the smaller picture, and its weights.
var kernels = []struct {
	name    string
	support float64
	weight  func(x float64) float64
}{
	Bilinear: {"bilinear", 1, triangle},
	Bicubic:  {"bicubic", 2, cubic},
	Lanczos:  {"lanczos", 3, lanczos},
	Nearest:  {"nearest", 0, nil},
}

// String is the filter's name, as Parse reads it.
func (f Filter) String() string { return kernels[f].name }

// MarshalText is String.
func (f Filter) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText is Parse.
func (f *Filter) UnmarshalText(text []byte) (err error) {
	*f, err = Parse(string(text))
	return err
}

// Filters are the names that Parse reads.
func Filters() []string {
	var names []string
	for _, k := range kernels {
		names = append(names, k.name)
	}
	return names
}

// Parse reads a filter's name.
func Parse(name string) (Filter, error) {
	for i, k := range kernels {
		if k.name == name {
			return Filter(i), nil
		}
	}
	return 0, fmt.Errorf("there is no filter %q; there are %s", name, strings.Join(Filters(), ", "))
}

func triangle(x float64) float64 {
	if x = math.Abs(x); x < 1 {
		return 1 - x
	}
	return 0
}

// cubic is Keys' convolution kernel with a = -1/2. The conversions keep compilers from fusing a product with a sum, which
// would round once where C rounds twice.
func cubic(x float64) float64 {
	const a = -0.5
	switch x = math.Abs(x); {
	case x < 1:
		return float64(float64(float64(float64((a+2)*x)-(a+3))*x)*x) + 1
	case x < 2:
		return (float64((float64((x-5)*x)+8)*x) - 4) * a
	}
	return 0
}

func lanczos(x float64) float64 {
	if -3 <= x && x < 3 {
		return float64(sinc(x) * sinc(x/3))
	}
	return 0
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}
