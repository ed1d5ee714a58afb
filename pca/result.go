package pca

import (
	"errors"
	"math"
)

// Status says whether and why the solver stopped.
type Status string

const (
	Running   Status = ""          // another pass is needed
	Converged Status = "converged" // the bound on the angle is within the tolerance
	// NoGap: the residual is down to the rounding of float32, and the next eigenvalue too near to tell the vectors apart.
	// The vector is one of the top eigenspace; which one depends on the start.
	NoGap       Status = "no gap"
	OutOfPasses Status = "out of passes"
)

// Result is the best that the basis holds.
type Result struct {
	// Vector has unit L2 norm and d entries. Its entry of largest magnitude, the first among equals, is positive.
	Vector []float64
	Status Status
	// Angle bounds the angle between Vector and the true one, in radians: the arcsine of the residual over the gap (Davis
	// and Kahan 1970). The second eigenvalue is taken at the upper end of its own residual, since only the whole spectrum
	// would tell it for sure. Angle is Pi/2 where that says nothing.
	Angle float64
	// Eigenvalues are the leading eigenvalues of A, descending, Width of them at most; each lies within the residual of
	// the same index of a true one. Only the first is iterated to convergence.
	Eigenvalues, Residuals []float64
	// Singular holds the leading singular values where there is one term, in the rows' own unit, and is nil otherwise.
	Singular []float64
	// Ratio is the root of the second eigenvalue over the first, sigma_2 / sigma_1 where there is one term: near 1 the
	// direction is not well defined. It is 0 where the second eigenvalue is not positive.
	Ratio float64
	// Terms holds per term what it had in the way of rows, and the share of its spectrum along Vector.
	Terms  []TermResult
	Passes int
}

// TermResult describes one term's matrix G.
type TermResult struct {
	Rows, ZeroRows int
	Norm           float64 // Frobenius norm of G
	LargestRow     float64 // L2 norm
	Share          float64 // ||G v||^2 / ||G||_F^2 for the result's vector v, the explained share
}

// Result returns what is known after the passes done so far, or an error before the first. It may be called before the
// solver is done.
func (s *Solver) Result() (Result, error) {
	if s.passes == 0 {
		return Result{}, errors.New("principal components: no pass was done")
	}
	n := s.basis.count
	coefficients := s.ritz.Coefficients[:n]
	leading := len(s.ritz.Residuals)
	r := Result{
		Vector:      s.basis.combine(coefficients),
		Status:      s.status,
		Angle:       s.angle(),
		Eigenvalues: append([]float64(nil), s.ritz.Values[:leading]...),
		Residuals:   append([]float64(nil), s.ritz.Residuals...),
		Passes:      s.passes,
	}
	orient(r.Vector)
	if leading > 1 && s.ritz.Values[0] > 0 {
		r.Ratio = math.Sqrt(max(0, s.ritz.Values[1]/s.ritz.Values[0]))
	}
	if len(s.total) == 1 {
		for _, value := range r.Eigenvalues {
			r.Singular = append(r.Singular, math.Sqrt(max(0, value/s.options.Weights[0]*s.total[0].Squares)))
		}
	}
	for k, t := range s.total {
		share := 0.0
		for i, a := range coefficients {
			for j, b := range coefficients {
				share += a * b * s.basis.projected[k][i*n+j]
			}
		}
		r.Terms = append(r.Terms, TermResult{t.Rows, t.ZeroRows, math.Sqrt(t.Squares), t.LargestRow, max(0, share)})
	}
	return r, nil
}

// angle bounds the angle between the leading vector and the true one.
func (s *Solver) angle() float64 {
	values, residuals := s.ritz.Values, s.ritz.Residuals
	if s.basis.dim == 1 {
		return 0
	}
	gap := values[0] - values[1] - residuals[1]
	if !(gap > 0) || residuals[0] >= gap {
		return math.Pi / 2
	}
	return math.Asin(residuals[0] / gap)
}

func (s *Solver) judge() Status {
	// A small residual says that the vector is an eigenvector, not that it is the top one: by chance the first bases
	// may hold a lower one well before the top one shows. Three passes make that chance too small to be met.
	seen := s.passes >= 3 || s.basis.fresh == 0
	switch {
	case s.angle() <= s.options.Tolerance && seen:
		return Converged
	case s.basis.fresh == 0 || seen && s.ritz.Residuals[0] <= roundingFloor*s.basis.scale(s.options.Weights):
		return NoGap
	case s.passes >= s.options.Passes:
		return OutOfPasses
	default:
		return Running
	}
}

// orient makes v a unit vector whose entry of largest magnitude is positive.
func orient(v []float64) {
	squares, largest := 0.0, 0.0
	for _, x := range v {
		squares += x * x
		if math.Abs(x) > math.Abs(largest) {
			largest = x
		}
	}
	norm := math.Copysign(math.Sqrt(squares), largest)
	for i := range v {
		v[i] /= norm
	}
}
