package pca_test

import (
	"fmt"
	"testing"

	"upi/pca"
)

// BenchmarkAccumulate is one batch of rows against a block of 8 vectors: 4 * pca.ChunkRows(d) * d * 8 operations.
func BenchmarkAccumulate(b *testing.B) {
	for _, d := range []int{28 * 28, 32 * 32 * 3, 224 * 224 * 3} {
		b.Run(fmt.Sprintf("d=%d", d), func(b *testing.B) {
			rows := hashedRows(pca.ChunkRows(d), d, 1, 0)
			block := pca.Block{Width: 8, Dim: d, Vectors: hashedRows(8, d, 2, 0)}
			a := pca.NewAccumulator(block, nil)
			b.SetBytes(int64(4 * len(rows)))
			for b.Loop() {
				if err := a.Add(rows); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*4*float64(len(rows))*8/1e9/b.Elapsed().Seconds(), "GFlop/s")
		})
	}
}

// BenchmarkStep is what a pass costs besides the rows, at 224 x 224 x 3 and a basis that is half full.
func BenchmarkStep(b *testing.B) {
	const d = 224 * 224 * 3
	rows := hashedRows(20, d, 1, 0)
	for b.Loop() {
		b.StopTimer()
		solver, err := pca.New(d, pca.Options{Tolerance: 1e-12})
		if err != nil {
			b.Fatal(err)
		}
		for range 2 {
			if err := pass(solver, d, 20, rows); err != nil {
				b.Fatal(err)
			}
		}
		acc := pca.NewAccumulator(solver.Block(), nil)
		if err := acc.Add(rows); err != nil {
			b.Fatal(err)
		}
		if err := solver.Add(0, acc.Partial()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := solver.Step(); err != nil {
			b.Fatal(err)
		}
	}
}
