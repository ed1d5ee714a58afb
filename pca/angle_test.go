package pca_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"upi/pca"
)

// TestAngleIsABound compares with a full eigendecomposition of the same matrix: where the solver says that it converged, the
// vector is within twice the angle that it gives (the gap is an estimate), up to float32's rounding over the gap; and
// whatever it says, no vector is better than the true one.
func TestAngleIsABound(t *testing.T) {
	converged := 0
	rapid.Check(t, func(t *rapid.T) {
		n, d := rapid.IntRange(1, 60).Draw(t, "n"), rapid.IntRange(1, 40).Draw(t, "d")
		seed := rapid.Uint32().Draw(t, "seed")
		g := hashedRows(n, d, seed, rapid.Float64Range(0, 1).Draw(t, "decay"))
		v := hashedRows(n, d, seed+1<<20, 0.1)
		options := pca.Options{
			Weights:   []float64{1, rapid.SampledFrom([]float64{0, -0.1, -1, -5, 2}).Draw(t, "weight")},
			Width:     rapid.IntRange(0, 8).Draw(t, "width"),
			Basis:     rapid.IntRange(0, 20).Draw(t, "basis"),
			Tolerance: rapid.SampledFrom([]float64{0, 1e-2, 1e-4}).Draw(t, "tolerance"),
		}
		got, err := solve(d, options, 25, g, v)
		if err != nil {
			t.Fatal(err)
		}
		a := mat.NewSymDense(d, nil)
		for k, rows := range [][]float32{g, v} {
			wide := mat.NewDense(n, d, nil)
			for i, x := range rows {
				wide.Set(i/d, i%d, float64(x))
			}
			a.SymRankK(a, options.Weights[k]/math.Pow(mat.Norm(wide, 2), 2), wide.T())
		}
		var eigen mat.EigenSym
		if !eigen.Factorize(a, true) {
			t.Fatal("no eigendecomposition")
		}
		var vectors mat.Dense
		eigen.VectorsTo(&vectors)
		values, best := eigen.Values(nil), mat.Col(nil, d-1, &vectors)
		scale := 1 + math.Abs(options.Weights[1]) // at least the norms of the terms, to which rounding is relative
		if got.Eigenvalues[0] > values[d-1]+1e-6*scale {
			t.Fatalf("eigenvalue %v above the largest, %v", got.Eigenvalues[0], values[d-1])
		}
		if got.Status != pca.Converged {
			return
		}
		converged++
		gap := math.Inf(1)
		if d > 1 {
			gap = values[d-1] - values[d-2]
		}
		angle := math.Acos(min(1, math.Abs(cosine(got.Vector, best))))
		if angle > 2*got.Angle+1e-6*scale/gap+1e-7 {
			t.Fatalf("the angle is %g, said to be %g; gap %g, %d passes", angle, got.Angle, gap/scale, got.Passes)
		}
	})
	if converged < 50 {
		t.Errorf("only %d of the runs converged", converged)
	}
}
