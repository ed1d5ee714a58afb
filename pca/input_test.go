package pca_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"upi/pca"
)

func TestBadInput(t *testing.T) {
	const d = 3
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	newSolver := func(o pca.Options) error {
		_, err := pca.New(d, o)
		return err
	}
	add := func(rows ...float32) error {
		return pca.NewAccumulator(pca.Block{Width: 2, Dim: d, Vectors: make([]float32, 2*d)}, nil).Add(rows)
	}
	run := func(rows ...float32) error {
		_, err := solve(d, pca.Options{}, 10, rows)
		return err
	}
	cases := []struct {
		want string
		err  error
	}{
		{"row 1: entry 2 is NaN", add(1, 2, 3, 4, 5, nan)},
		{"row 0: entry 0 is +Inf", add(inf, 2, 3)},
		{"no multiple", add(1, 2, 3, 4)},
		{"all rows are zero", run(0, 0, 0, 0, 0, 0)},
		{"term 0 has no rows", run()},
		{"weight of term 1 is NaN", newSolver(pca.Options{Weights: []float64{1, math.NaN()}})},
		{"first term's weight", newSolver(pca.Options{Weights: []float64{-1}})},
		{"first term's weight", newSolver(pca.Options{Weights: []float64{}})},
		{"may not be negative", newSolver(pca.Options{Passes: -1})},
		{"may not be negative", newSolver(pca.Options{Tolerance: math.NaN()})},
		{"no multiple of 3", newSolver(pca.Options{Start: make([]float32, 4)})},
		{"start vectors: entry 1 is NaN", newSolver(pca.Options{Start: []float32{0, nan, 0}})},
		{"at least 1", func() error { _, err := pca.New(0, pca.Options{}); return err }()},
	}
	for _, c := range cases {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want %q in it", c.err, c.want)
		}
	}
	if !errors.Is(run(0, 0, 0), pca.ErrZero) {
		t.Error("rows of zeros do not give ErrZero")
	}
}

func TestMisuseOfTheSolver(t *testing.T) {
	const d = 10
	rows := hashedRows(6, d, 1, 0)
	solver, err := pca.New(d, pca.Options{Width: 2, Tolerance: 1e-12})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := solver.Result(); err == nil {
		t.Error("a result before the first pass")
	}
	if err := solver.Add(0, pca.Partial{Product: make([]float64, 5)}); err == nil {
		t.Error("a partial of another shape was added")
	}
	if err := solver.Add(1, pca.Partial{}); err == nil {
		t.Error("a partial was added to a term that is not there")
	}
	if err := pass(solver, d, 6, rows); err != nil {
		t.Fatal(err)
	}
	if err := pass(solver, d, 6, rows[:5*d]); err == nil || !strings.Contains(err.Error(), "5 rows") {
		t.Errorf("rows that change between passes: error %v", err)
	}
}

// TestProductOnAnotherDevice: errors of a product come back with the rows, and numbers that are not finite are found.
func TestProductOnAnotherDevice(t *testing.T) {
	const d = 10
	rows := hashedRows(300, d, 1, 0)
	block := pca.Block{Width: 2, Dim: d, Vectors: hashedRows(2, d, 2, 0)}
	calls := 0
	failing := func(dst []float32, block pca.Block, rows []float32, n int) error {
		if calls++; calls == 3 {
			return errors.New("out of memory")
		}
		return nil
	}
	if err := pca.NewAccumulator(block, failing).Add(rows); err == nil || !strings.Contains(err.Error(), "rows 256 to 299: out of memory") {
		t.Errorf("error %v", err)
	}
	solver, err := pca.New(d, pca.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := pca.NewAccumulator(solver.Block(), func(dst []float32, _ pca.Block, _ []float32, _ int) error {
		dst[0] = float32(math.NaN())
		return nil
	})
	if err := errors.Join(a.Add(rows), solver.Add(0, a.Partial())); err != nil {
		t.Fatal(err)
	}
	if err := solver.Step(); err == nil || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("error %v", err)
	}
}
