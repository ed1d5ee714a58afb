// Package pca finds the top right singular vector of a tall matrix whose rows are only streamed, by block Krylov iteration:
// each pass over the rows multiplies a few vectors, and the memory does not depend on the number of rows.
//
// The caller owns the loop over the data. Rows may be worked on anywhere, in any grouping; what comes of them are plain
// values that are added up:
//
//   - [New] makes a [Solver];
//   - until [Solver.Done], for each pass: [Solver.Block] gives the vectors, an [Accumulator] per worker or shard makes a
//     [Partial] of its rows, [Solver.Add] sums the partials up and [Solver.Step] ends the pass;
//   - [Solver.Result] returns the vector and how well it is known.
//
// Several matrices G_k, the terms, make the symmetric and perhaps indefinite matrix
//
//	A = sum_k w_k G_k'G_k / ||G_k||_F^2,
//
// whose algebraically largest eigenvalue and its vector are sought. With one term of weight 1 the vector is the top right
// singular vector of G (rows not centred), and the eigenvalue its share of the spectrum, sigma_1^2 / ||G||_F^2.
//
// The method is block Lanczos with full reorthogonalisation and thick restarts, written as Rayleigh-Ritz on an explicit
// basis that is extended by residuals (Golub and Van Loan, Matrix Computations, 10.3; Wu and Simon 2000).
package pca

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// ErrNoRows is returned where a term has none.
var ErrNoRows = errors.New("has no rows")

// ErrZero is returned where every row of the first term is zero, so that there is no direction.
var ErrZero = errors.New("all rows are zero: there is no direction")

// Solver goes from pass to pass. It is not safe for concurrent use; the work on the rows is done outside of it.
type Solver struct {
	options Options
	basis   *basis
	total   []total   // per term, from the first pass
	sums    []Partial // per term, of the pass under way
	passes  int
	status  Status
	ritz    ritz
}

// total is what does not change from pass to pass, and is checked for that.
type total struct {
	Rows, ZeroRows int
	Squares        float64
	LargestRow     float64
}

// New returns a solver for rows of d entries, before its first pass, or an error where the options are impossible.
func New(d int, options Options) (*Solver, error) {
	o, err := options.resolve(d)
	if err != nil {
		return nil, fmt.Errorf("start principal components: %w", err)
	}
	s := &Solver{options: o, basis: newBasis(d, len(o.Weights), min(o.Basis+o.Width, d)), sums: make([]Partial, len(o.Weights))}
	start := make([]float64, len(o.Start))
	for i, v := range o.Start {
		start[i] = float64(v)
	}
	if err := finiteRow(o.Start); err != nil {
		return nil, fmt.Errorf("start principal components: start vectors: %w", err)
	}
	for i := 0; i < len(start) && s.basis.fresh < o.Width; i += d {
		s.basis.extend(start[i:i+d], 0)
	}
	source := rand.New(rand.NewPCG(uint64(d), 0))
	for s.basis.fresh < o.Width {
		vector := make([]float64, d)
		for i := range vector {
			vector[i] = source.NormFloat64()
		}
		s.basis.extend(vector, 0)
	}
	s.options.Start = nil
	return s, nil
}

// Done tells whether the solver needs no further pass.
func (s *Solver) Done() bool { return s.status != Running }

// Passes returns the number of passes done.
func (s *Solver) Passes() int { return s.passes }

// Block returns the vectors that the next pass multiplies. It always has the same width: rows of zeros fill it up.
func (s *Solver) Block() Block {
	block := Block{Width: s.options.Width, Dim: s.basis.dim, Vectors: make([]float32, s.options.Width*s.basis.dim)}
	for i, v := range s.basis.freshVectors() {
		block.Vectors[i] = float32(v)
	}
	return block
}

// Add adds what some rows of a term gave on the current pass. The order of the calls changes the sums in the last bits of
// a float64; for bit-equal results keep to one order. It returns an error where the partial is of another shape.
func (s *Solver) Add(term int, p Partial) error {
	if term < 0 || term >= len(s.sums) {
		return fmt.Errorf("add a partial product to term %d of %d", term, len(s.sums))
	}
	if want := s.options.Width * s.basis.dim; len(p.Product) != want {
		return fmt.Errorf("add a partial product of %d entries to one of %d x %d", len(p.Product), s.options.Width, s.basis.dim)
	}
	if err := s.sums[term].Merge(p); err != nil {
		return fmt.Errorf("add a partial product to term %d: %w", term, err)
	}
	return nil
}

// Step ends a pass: it takes the sums in, looks for the best vector in the basis, and decides whether another pass is
// needed and with which vectors. It returns [ErrZero], or an error where a term saw no row on this pass or saw others than
// on the first, or a product is not finite; the solver is then of no further use.
func (s *Solver) Step() error {
	if s.Done() {
		return errors.New("principal components: the solver is done")
	}
	if err := s.takeTotals(); err != nil {
		return fmt.Errorf("principal components, pass %d: %w", s.passes+1, err)
	}
	products := make([][]float64, len(s.sums))
	for k := range s.sums {
		products[k] = s.sums[k].Product[:s.basis.fresh*s.basis.dim]
		scale := 0.0
		if s.total[k].Squares > 0 {
			scale = 1 / s.total[k].Squares
		}
		for i := range products[k] {
			products[k][i] *= scale
		}
		s.sums[k] = Partial{}
	}
	s.passes++
	if err := s.basis.absorb(products, s.options.Weights); err != nil {
		return fmt.Errorf("principal components, pass %d: %w", s.passes, err)
	}
	var residuals []float64
	var err error
	s.ritz, residuals, err = s.basis.solve(s.options.Weights, s.options.Width)
	if err != nil {
		return fmt.Errorf("principal components, pass %d: %w", s.passes, err)
	}
	if s.basis.count+s.options.Width > s.options.Basis {
		s.basis.restart(s.ritz.Coefficients, max(s.options.Basis/2, s.options.Width))
		s.ritz.restarted(s.basis.count)
	}
	s.extend(residuals)
	s.status = s.judge()
	return nil
}

// takeTotals keeps the first pass's counts and checks the later passes against them.
func (s *Solver) takeTotals() error {
	for k, p := range s.sums {
		if p.Rows == 0 {
			return fmt.Errorf("term %d %w", k, ErrNoRows)
		}
		if s.passes == 0 {
			s.total = append(s.total, total{p.Rows, p.ZeroRows, p.Squares, p.LargestRow})
		}
		t := s.total[k]
		if p.Rows != t.Rows || p.ZeroRows != t.ZeroRows || math.Abs(p.Squares-t.Squares) > 1e-9*t.Squares {
			return fmt.Errorf("term %d changed: %d rows with a sum of squares of %g, and on the first pass %d with %g",
				k, p.Rows, p.Squares, t.Rows, t.Squares)
		}
		if k == 0 && p.Squares == 0 {
			return ErrZero
		}
	}
	return nil
}

// extend adds the directions of the leading residuals to the basis.
func (s *Solver) extend(residuals []float64) {
	d := s.basis.dim
	for i := 0; i < len(residuals)/d && s.basis.count+s.basis.fresh < d; i++ {
		if s.ritz.Residuals[i] > roundingFloor*s.basis.scale(s.options.Weights) {
			s.basis.extend(residuals[i*d:(i+1)*d], dependent)
		}
	}
}
