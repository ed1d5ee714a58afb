package pca

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

const (
	// roundingFloor is the residual, relative to [basis.scale], below which float32 products say nothing.
	roundingFloor = 1e-7
	// dependent is the share of a vector that must be left over after orthogonalisation for its direction to mean anything.
	dependent = 1e-5
)

// basis holds orthonormal vectors q and their images A q. Vectors come in fresh, and become counted once a pass has
// multiplied them.
type basis struct {
	dim, count, fresh int
	vectors           []float64   // (count + fresh) x dim
	images            []float64   // count x dim
	projected         [][]float64 // per term the count x count matrix of q_i' G_k'G_k q_j / ||G_k||_F^2
}

// newBasis returns an empty basis with room for most vectors. Memory that nothing is written to is not taken; what grew would be held
// twice while it is copied.
func newBasis(dim, terms, most int) *basis {
	return &basis{dim: dim, projected: make([][]float64, terms), vectors: make([]float64, 0, most*dim), images: make([]float64, 0, most*dim)}
}

func (b *basis) freshVectors() []float64 { return b.vectors[b.count*b.dim:] }

// extend adds the direction of v as a fresh vector, after taking away what the basis has of it, twice against rounding.
// It adds nothing where the share of v that is left is not above the limit.
func (b *basis) extend(v []float64, limit float64) {
	norm := floats.Norm(v, 2)
	if norm == 0 {
		return
	}
	have := b.count + b.fresh
	held := len(b.vectors)
	b.vectors = append(b.vectors, v...)
	v = b.vectors[held:]
	floats.Scale(1/norm, v)
	for range 2 {
		if have > 0 {
			overlap := make([]float64, have)
			q := blas64.General{Rows: have, Cols: b.dim, Stride: b.dim, Data: b.vectors[:held]}
			blas64.Gemv(blas.NoTrans, 1, q, entries(v), 0, entries(overlap))
			blas64.Gemv(blas.Trans, -1, q, entries(overlap), 1, entries(v))
		}
		norm = floats.Norm(v, 2)
		if norm <= max(limit, 1e-12) {
			b.vectors = b.vectors[:held]
			return
		}
		floats.Scale(1/norm, v)
		limit = 0.5
	}
	b.fresh++
}

// absorb takes the fresh vectors' products with each term, fresh x dim, and counts them.
func (b *basis) absorb(products [][]float64, weights []float64) error {
	d, was := b.dim, b.count
	b.count, b.fresh = b.count+b.fresh, 0
	b.images = slices.Grow(b.images, (b.count-was)*d)[:b.count*d]
	image := b.images[was*d:]
	clear(image)
	for k, product := range products {
		floats.AddScaled(image, weights[k], product)
		overlap := multiplied(blas.NoTrans, b.vectors, b.count, blas.Trans, product, b.count-was, d)
		grown := make([]float64, b.count*b.count)
		for i := range was {
			copy(grown[i*b.count:], b.projected[k][i*was:(i+1)*was])
		}
		for i := range b.count {
			for j := was; j < b.count; j++ {
				value := overlap[i*(b.count-was)+j-was]
				if i >= was {
					// Rounding leaves the new square corner a little asymmetric.
					value = (value + overlap[j*(b.count-was)+i-was]) / 2
				}
				grown[i*b.count+j], grown[j*b.count+i] = value, value
			}
		}
		b.projected[k] = grown
	}
	for _, v := range image {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return errors.New("the product of rows and vectors is not finite")
		}
	}
	return nil
}

// ritz holds the best approximations in the basis.
type ritz struct {
	Values       []float64 // descending
	Residuals    []float64 // ||A x - value x||, of the leading ones
	Coefficients []float64 // count x count; row i holds the coefficients of vector i
}

// restarted tells that the vectors have become the basis themselves.
func (r *ritz) restarted(count int) {
	r.Values = r.Values[:count]
	r.Coefficients = make([]float64, count*count)
	for i := range count {
		r.Coefficients[i*count+i] = 1
	}
}

// solve finds the eigenvectors of A within the basis, and the residuals of the leading ones, leading x dim.
func (b *basis) solve(weights []float64, leading int) (ritz, []float64, error) {
	n := b.count
	leading = min(leading, n)
	projected := make([]float64, n*n)
	for k, p := range b.projected {
		floats.AddScaled(projected, weights[k], p)
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(mat.NewSymDense(n, projected), true) {
		return ritz{}, nil, errors.New("the eigenvalues of the projected matrix were not found")
	}
	ascending := eigen.Values(nil)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	r := ritz{make([]float64, n), make([]float64, leading), make([]float64, n*n)}
	for i := range n {
		r.Values[i] = ascending[n-1-i]
		mat.Col(r.Coefficients[i*n:(i+1)*n], n-1-i, &vectors)
	}
	residuals := multiplied(blas.NoTrans, r.Coefficients[:leading*n], leading, blas.NoTrans, b.images, b.dim, n)
	scaled := slices.Clone(r.Coefficients[:leading*n])
	for i := range leading {
		floats.Scale(r.Values[i], scaled[i*n:(i+1)*n])
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, -1, blas64.General{Rows: leading, Cols: n, Stride: n, Data: scaled},
		blas64.General{Rows: n, Cols: b.dim, Stride: b.dim, Data: b.vectors[:n*b.dim]}, 1,
		blas64.General{Rows: leading, Cols: b.dim, Stride: b.dim, Data: residuals})
	for i := range leading {
		r.Residuals[i] = floats.Norm(residuals[i*b.dim:(i+1)*b.dim], 2)
	}
	return r, residuals, nil
}

// scale returns the size of the numbers that A's products are made of, to which their rounding is relative: where terms
// cancel, the eigenvalues of A are smaller.
func (b *basis) scale(weights []float64) float64 {
	sum := 0.0
	for k, p := range b.projected {
		largest := 0.0
		for i := range b.count {
			largest = max(largest, p[i*b.count+i])
		}
		sum += math.Abs(weights[k]) * largest
	}
	return sum
}

// combine returns the combination of the counted vectors with the given coefficients.
func (b *basis) combine(coefficients []float64) []float64 {
	return multiplied(blas.NoTrans, coefficients, 1, blas.NoTrans, b.vectors, b.dim, b.count)
}

// restart keeps the given number of leading eigenvectors as the new basis.
func (b *basis) restart(coefficients []float64, keep int) {
	n := b.count
	keep = min(keep, n)
	coefficients = coefficients[:keep*n]
	b.vectors = append(b.vectors[:0], multiplied(blas.NoTrans, coefficients, keep, blas.NoTrans, b.vectors, b.dim, n)...)
	b.images = append(b.images[:0], multiplied(blas.NoTrans, coefficients, keep, blas.NoTrans, b.images, b.dim, n)...)
	for k, p := range b.projected {
		half := multiplied(blas.NoTrans, coefficients, keep, blas.NoTrans, p, n, n)
		b.projected[k] = multiplied(blas.NoTrans, half, keep, blas.Trans, coefficients, keep, n)
	}
	b.count = keep
}

// multiplied returns op(x) op(y), rows x columns, the sum running over inner entries.
func multiplied(xOp blas.Transpose, x []float64, rows int, yOp blas.Transpose, y []float64, columns, inner int) []float64 {
	general := func(op blas.Transpose, r, c int, data []float64) blas64.General {
		if op == blas.Trans {
			r, c = c, r
		}
		return blas64.General{Rows: r, Cols: c, Stride: c, Data: data}
	}
	product := make([]float64, rows*columns)
	blas64.Gemm(xOp, yOp, 1, general(xOp, rows, inner, x), general(yOp, inner, columns, y), 0,
		general(blas.NoTrans, rows, columns, product))
	return product
}

func entries(v []float64) blas64.Vector { return blas64.Vector{N: len(v), Inc: 1, Data: v} }
