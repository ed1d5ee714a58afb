package pca

import "gonum.org/v1/gonum/blas/blas32"

// Product overwrites dst (Width x Dim) with V G'G for n rows G (n x Dim) of at most [ChunkRows], all row by row. It is
// where a pass spends its time, and may run on any device; float32 is enough, for sums over chunks are kept in float64.
type Product func(dst []float32, block Block, rows []float32, n int) error

// ChunkRows returns the largest number of rows of d entries that a [Product] is asked for at once: 128, or what 32 MiB hold,
// 16 at least. More would be little faster, take memory in each worker, and lengthen the sums that are kept in float32.
func ChunkRows(d int) int { return max(16, min(32<<20/(4*d), 128)) }

// columns is how many entries of each row multiply works on at a time, so that they stay in the cache for all vectors.
const columns = 4096

// multiply is the default [Product]. Both loops run along the rows: gonum's Gemm, made for square matrices, is slower here
// and starts goroutines of its own.
func multiply(dst []float32, block Block, rows []float32, n int) error {
	d := block.Dim
	coefficients := make([]float32, n*block.Width)
	for low := 0; low < d; low += columns {
		size := min(columns, d-low)
		for i := range n {
			row := vector(rows[i*d+low:][:size])
			for j := range block.Width {
				coefficients[i*block.Width+j] += blas32.Dot(row, vector(block.Vectors[j*d+low:][:size]))
			}
		}
	}
	clear(dst)
	for low := 0; low < d; low += columns {
		size := min(columns, d-low)
		for i := range n {
			row := vector(rows[i*d+low:][:size])
			for j := range block.Width {
				blas32.Axpy(coefficients[i*block.Width+j], row, vector(dst[j*d+low:][:size]))
			}
		}
	}
	return nil
}

func vector(data []float32) blas32.Vector { return blas32.Vector{N: len(data), Inc: 1, Data: data} }
