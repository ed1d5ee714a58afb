package stages

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"upi/data/table"
	"upi/pca"
	"upi/random"
)

const width = 10

// artefact writes rows of gradients, by position, and returns their directory.
func artefact(t *testing.T, rows map[int][]float32) string {
	t.Helper()
	dir := t.TempDir()
	var all []gradientRow
	for position, gradient := range rows {
		all = append(all, gradientRow{ID: int64(100 + position), Position: int64(position), Gradient: gradient})
	}
	slices.SortFunc(all, func(a, b gradientRow) int { return int(a.Position - b.Position) })
	if err := writeTable(filepath.Join(dir, gradientsFile), table.Options{Width: map[string]int{"gradient": width}}, all); err != nil {
		t.Fatal(err)
	}
	return dir
}

// noisy returns row i of a matrix with a clear first direction.
func noisy(i int) []float32 {
	row := make([]float32, width)
	stream := random.New(1, "test row", int64(i), 0)
	stream.Normal(row, 1)
	sign := float32(1 - 2*(i%2))
	for j := range row {
		row[j] += 3 * sign * float32(j%3)
	}
	return row
}

// shards cuts rows into artefacts of the given lengths.
func shards(t *testing.T, lengths ...int) matrices {
	t.Helper()
	m := matrices{nil}
	at := 0
	for _, n := range lengths {
		rows := map[int][]float32{}
		for position := range n {
			rows[position] = noisy(at)
			at++
		}
		m[0] = append(m[0], []string{artefact(t, rows)})
	}
	return m
}

func direction(t *testing.T, m matrices, unit bool) []float64 {
	t.Helper()
	solver, err := pca.New(width, pca.Options{Weights: []float64{1}, Tolerance: 1e-6, Passes: 50})
	if err != nil {
		t.Fatal(err)
	}
	for !solver.Done() {
		if err := pass(t.Context(), solver, m, width, unit); err != nil {
			t.Fatal(err)
		}
		if err := solver.Step(); err != nil {
			t.Fatal(err)
		}
	}
	result, err := solver.Result()
	if err != nil {
		t.Fatal(err)
	}
	return result.Vector
}

// TestDirectionIsTheSingularVector compares with gonum's full decomposition, of the rows as they are and of unit rows.
func TestDirectionIsTheSingularVector(t *testing.T) {
	const n = 300
	for _, unit := range []bool{false, true} {
		g := mat.NewDense(n, width, nil)
		for i := range n {
			row, norm := noisy(i), 1.0
			if unit {
				norm = math.Sqrt(squared(row))
			}
			for j, v := range row {
				g.Set(i, j, float64(v)/norm)
			}
		}
		var svd mat.SVD
		var v mat.Dense
		if !svd.Factorize(g, mat.SVDThin) {
			t.Fatal("no decomposition")
		}
		svd.VTo(&v)
		got, product := direction(t, shards(t, n), unit), 0.0
		for j := range got {
			product += got[j] * v.At(j, 0)
		}
		if math.Abs(product) < 0.999999 {
			t.Errorf("unit %v: cosine %v", unit, product)
		}
	}
}

// TestDirectionDoesNotDependOnShards: not a bit of it, with more rows than a chunk holds.
func TestDirectionDoesNotDependOnShards(t *testing.T) {
	const n = 2*pca.ChunkRows + 44
	want := direction(t, shards(t, n), true)
	for _, lengths := range [][]int{{1, n - 1}, {pca.ChunkRows, n - pca.ChunkRows}, {0, 100, 100, n - 200, 0}} {
		if got := direction(t, shards(t, lengths...), true); !slices.Equal(got, want) {
			t.Errorf("shards of %v: got %v, want %v", lengths, got, want)
		}
	}
}

// TestRowsOfSeveralSources: the mean over the sources, of the images that all of them have.
func TestRowsOfSeveralSources(t *testing.T) {
	row := func(x float32) []float32 { return slices.Repeat([]float32{x}, width) }
	one := artefact(t, map[int][]float32{0: row(1), 1: row(2), 3: row(3), 4: row(4)})
	two := artefact(t, map[int][]float32{1: row(20), 2: row(50), 4: row(40), 5: row(60)})
	c := &chunks{shards: [][]string{{one, two}, {one, one}}, size: width, free: make(chan []float32, 1)}
	c.free <- make([]float32, 0, 4*width)
	chunk, err := c.next()
	if err != nil {
		t.Fatal(err)
	}
	if want := slices.Concat(row(11), row(22), row(1), row(2)); !slices.Equal(chunk, want) {
		t.Errorf("got %v, want %v", chunk, want)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}
