package pca

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas/blas32"
)

// Block holds the vectors v_1 .. v_Width that a pass multiplies, each of Dim entries, one after another: a Width x Dim
// matrix V, row by row.
type Block struct {
	Width, Dim int
	Vectors    []float32
}

// Partial is what some rows G_s of a matrix give on one pass: a plain value, which can be stored and shipped.
type Partial struct {
	Rows     int     // number of rows
	ZeroRows int     // how many of them are zero
	Squares  float64 // the sum of the squares of all entries
	// LargestRow is the largest L2 norm of a row.
	LargestRow float64
	// Product is V G_s'G_s, Width x Dim.
	Product []float64
}

// Merge adds another partial of the same pass to p. It returns an error where their shapes differ.
func (p *Partial) Merge(other Partial) error {
	if p.Product == nil {
		p.Product = make([]float64, len(other.Product))
	}
	if len(p.Product) != len(other.Product) {
		return fmt.Errorf("merge products of %d and %d entries", len(p.Product), len(other.Product))
	}
	p.Rows += other.Rows
	p.ZeroRows += other.ZeroRows
	p.Squares += other.Squares
	p.LargestRow = max(p.LargestRow, other.LargestRow)
	for i, v := range other.Product {
		p.Product[i] += v
	}
	return nil
}

// Accumulator makes the [Partial] of rows that come batch by batch. It is not safe for concurrent use: make one per worker.
type Accumulator struct {
	block   Block
	product Product
	partial Partial
	chunk   []float32
	scaled  []float32
}

// smallest is the norm of a chunk's largest row below which, or above whose inverse, products in float32 could leave the
// range of float32, so that the rows are scaled for them.
const smallest = 1e-12

// NewAccumulator returns an accumulator of no rows. A nil product stands for gonum's BLAS on the calling goroutine.
func NewAccumulator(block Block, product Product) *Accumulator {
	size := block.Width * block.Dim
	a := &Accumulator{partial: Partial{Product: make([]float64, size)}, chunk: make([]float32, size)}
	a.Reset(block, product)
	return a
}

// Reset makes the accumulator one of no rows, for a block of the same shape as before, in the memory that it has.
func (a *Accumulator) Reset(block Block, product Product) {
	if product == nil {
		product = multiply
	}
	clear(a.partial.Product)
	a.partial, a.block, a.product = Partial{Product: a.partial.Product}, block, product
}

// Add takes rows in, Dim entries each, one after another. It returns an error that names the row, counted from the
// accumulator's first, and the entry where one is not finite; the accumulator is then useless.
func (a *Accumulator) Add(rows []float32) error {
	d := a.block.Dim
	most := ChunkRows(d)
	if len(rows)%d != 0 {
		return fmt.Errorf("accumulate rows of %d entries: %d entries are no multiple of it", d, len(rows))
	}
	for len(rows) > 0 {
		n := min(len(rows)/d, most)
		if err := a.addChunk(rows[:n*d], n); err != nil {
			return err
		}
		rows = rows[n*d:]
	}
	return nil
}

func (a *Accumulator) addChunk(rows []float32, n int) error {
	d, p := a.block.Dim, &a.partial
	first, largest := p.Rows, 0.0
	for i := range n {
		row := rows[i*d : (i+1)*d]
		squares := squared(row)
		if math.IsNaN(squares) || math.IsInf(squares, 0) {
			return fmt.Errorf("accumulate row %d: %w", first+i, finiteRow(row))
		}
		if squares == 0 {
			p.ZeroRows++
		}
		p.Squares += squares
		largest = max(largest, math.Sqrt(squares))
		p.Rows++
	}
	p.LargestRow = max(p.LargestRow, largest)
	factor := 1.0
	if largest > 0 && (largest < smallest || largest > 1/smallest) {
		// A power of two changes no digit.
		_, exponent := math.Frexp(largest)
		factor = math.Ldexp(1, -exponent)
		a.scaled = append(a.scaled[:0], rows...)
		for i, v := range a.scaled {
			a.scaled[i] = float32(factor * float64(v))
		}
		rows = a.scaled
	}
	if err := a.product(a.chunk, a.block, rows, n); err != nil {
		return fmt.Errorf("multiply rows %d to %d: %w", first, first+n-1, err)
	}
	back := 1 / (factor * factor)
	for i, v := range a.chunk {
		p.Product[i] += back * float64(v)
	}
	return nil
}

// Partial returns the sum over all rows so far. It shares memory with the accumulator.
func (a *Accumulator) Partial() Partial { return a.partial }

// Unit divides each row of d entries by its L2 norm, in place, so that every row counts the same. Zero rows stay zero; their
// number is returned.
func Unit(rows []float32, d int) (zeros int) {
	for ; len(rows) >= d && d > 0; rows = rows[d:] {
		squares := squared(rows[:d])
		if squares == 0 {
			zeros++
			continue
		}
		norm := math.Sqrt(squares)
		for i, v := range rows[:d] {
			rows[i] = float32(float64(v) / norm)
		}
	}
	return zeros
}

// squared returns the squared L2 norm, summed in float64. In plain Go it would take longer than the products do.
func squared(row []float32) float64 { return blas32.DDot(vector(row), vector(row)) }

func finiteRow(row []float32) error {
	for i, v := range row {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("entry %d is %v, not a finite number", i, v)
		}
	}
	return nil
}
