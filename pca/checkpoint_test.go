package pca_test

import (
	"errors"
	"fmt"
	"testing"

	"upi/pca"
)

// TestCheckpointGoesOnBitByBit stops after every pass, and in the middle of one, and goes on from what was written.
func TestCheckpointGoesOnBitByBit(t *testing.T) {
	const n, d = 200, 80
	g, v := hashedRows(n, d, 1, 0.05), hashedRows(n, d, 9, 0.05)
	options := pca.Options{Weights: []float64{1, -0.5}, Width: 3, Basis: 12, Passes: 12, Tolerance: 1e-9}
	want, err := solve(d, options, 50, g, v)
	if err != nil {
		t.Fatal(err)
	}
	solver, err := pca.New(d, options)
	if err != nil {
		t.Fatal(err)
	}
	again := func() {
		data, err := solver.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		solver = new(pca.Solver)
		if err := solver.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
	}
	for !solver.Done() {
		for term, matrix := range [][]float32{g, v} {
			for start := 0; start < n; start += 50 {
				again()
				a := pca.NewAccumulator(solver.Block(), nil)
				if err := errors.Join(a.Add(matrix[start*d:(start+50)*d]), solver.Add(term, a.Partial())); err != nil {
					t.Fatal(err)
				}
			}
		}
		again()
		if err := solver.Step(); err != nil {
			t.Fatal(err)
		}
	}
	again()
	got, err := solver.Result()
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || got.Passes != 12 {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestDamagedCheckpoint(t *testing.T) {
	solver, err := pca.New(20, pca.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := pass(solver, 20, 5, hashedRows(30, 20, 1, 0)); err != nil {
		t.Fatal(err)
	}
	data, err := solver.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for length := 0; length < len(data); length += 97 {
		if err := new(pca.Solver).UnmarshalBinary(data[:length]); err == nil {
			t.Fatalf("%d of %d bytes were taken for a whole state", length, len(data))
		}
	}
}
