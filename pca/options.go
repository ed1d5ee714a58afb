package pca

import (
	"errors"
	"fmt"
	"math"
)

// Options are the settings of a [Solver]. The zero value finds the top right singular vector of one matrix.
type Options struct {
	// Weights holds the weight w_k of each term. Nil stands for one term of weight 1.
	Weights []float64
	// Width is the number of vectors that a pass multiplies. 0 stands for 16. It is at least 4, and at most d.
	// More vectors need fewer passes, which pays where reading the rows is what takes the time: of a spectrum that falls by 2 %
	// from one singular value to the next, 8 vectors need 9 passes, 16 need 7 and 32 need 5.
	Width int
	// Basis bounds the number of basis vectors kept, at 16 d bytes each. 0 stands for what 64 MiB hold, 256 at most and
	// 5 * Width at least; the least is 3 * Width. Where it is reached, the better half goes on, which costs passes.
	Basis int
	// Tolerance is the bound on the angle to the true vector, in radians, at which the solver stops, after 3 passes at the
	// earliest. 0 stands for 1e-3, a cosine of 0.9999995.
	Tolerance float64
	// Passes is the number of passes after which the solver gives up. 0 stands for 50.
	Passes int
	// Start holds the vectors to start from, each of d entries, one after another. Those that are missing, or depend on
	// the others, are replaced by normal numbers from math/rand/v2's PCG seeded with (d, 0).
	Start []float32
}

// resolve fills in the defaults for vectors of d entries.
func (o Options) resolve(d int) (Options, error) {
	if d < 1 {
		return o, fmt.Errorf("vectors have %d entries: at least 1 is needed", d)
	}
	if o.Width < 0 || o.Basis < 0 || o.Passes < 0 || !(o.Tolerance >= 0) {
		return o, fmt.Errorf("width %d, basis %d, passes %d and tolerance %v may not be negative",
			o.Width, o.Basis, o.Passes, o.Tolerance)
	}
	if len(o.Start)%d != 0 {
		return o, fmt.Errorf("the start has %d entries, no multiple of %d", len(o.Start), d)
	}
	if o.Weights == nil {
		o.Weights = []float64{1}
	}
	for k, w := range o.Weights {
		if math.IsNaN(w) || math.IsInf(w, 0) {
			return o, fmt.Errorf("the weight of term %d is %v, not a finite number", k, w)
		}
	}
	if len(o.Weights) == 0 || o.Weights[0] <= 0 {
		return o, errors.New("the first term's weight must be above 0")
	}
	o.Width = min(max(orDefault(o.Width, 16), 4), d)
	o.Basis = max(orDefault(o.Basis, max(min(64<<20/(16*d), 256), 5*o.Width)), 3*o.Width)
	o.Tolerance = orDefault(o.Tolerance, 1e-3)
	o.Passes = orDefault(o.Passes, 50)
	return o, nil
}

func orDefault[T int | float64](value, standard T) T {
	if value == 0 {
		return standard
	}
	return value
}
