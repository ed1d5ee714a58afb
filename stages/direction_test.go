package stages

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"upi/data/table"
	"upi/pca"
	"upi/random"
	"upi/savedmodels/engine"
	"upi/savedmodels/runtime"
	"upi/stages/imageset"
)

const width = 10

var chunkRows = pca.ChunkRows(width)

// artefact writes rows of gradients, by position, and returns their directory.
func artefact(t *testing.T, rows map[int][]float32) string {
	t.Helper()
	dir := t.TempDir()
	var all []gradientRow
	for position := range rows {
		all = append(all, gradientRow{ID: int64(100 + position), Position: int64(position)})
	}
	slices.SortFunc(all, func(a, b gradientRow) int { return int(a.Position - b.Position) })
	var values []byte
	for _, row := range all {
		values = append(values, imageset.BytesOf(rows[int(row.Position)])...)
	}
	if err := os.WriteFile(filepath.Join(dir, gradientsFile), values, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := writeTable(filepath.Join(dir, rowsFile), table.Options{}, all); err != nil {
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
func shards(t *testing.T, lengths ...int) [][][]string {
	t.Helper()
	m := [][][]string{nil}
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

// direction runs passes over rows of size entries until the direction is within the tolerance.
func direction(t *testing.T, m [][][]string, size, workers int, unit bool, tolerance float64) pca.Result {
	t.Helper()
	p, err := newPass(engine.New(engine.Options{Devices: []runtime.Device{{}}, Workers: workers, Memory: 1 << 30}), size, unit)
	if err != nil {
		t.Fatal(err)
	}
	solver, err := pca.New(size, pca.Options{Tolerance: tolerance})
	if err != nil {
		t.Fatal(err)
	}
	for !solver.Done() {
		if err := p.run(t.Context(), solver, m); err != nil {
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
	return result
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
		got, product := direction(t, shards(t, n), width, 1, unit, 1e-6).Vector, 0.0
		for j := range got {
			product += got[j] * v.At(j, 0)
		}
		if math.Abs(product) < 0.999999 {
			t.Errorf("unit %v: cosine %v", unit, product)
		}
	}
}

// TestDirectionAgainstSVDS compares with values of scipy.sparse.linalg.svds: python python/reference_math.py pca
func TestDirectionAgainstSVDS(t *testing.T) {
	text, err := os.ReadFile("../pca/testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var reference struct {
		Singular []struct {
			Name             string
			N, D             int
			Scale, Norm      float64
			Vector, Singular []float64
		}
	}
	if err := json.Unmarshal(text, &reference); err != nil {
		t.Fatal(err)
	}
	for _, c := range reference.Singular {
		t.Run(c.Name, func(t *testing.T) {
			m := [][][]string{nil}
			for first := 0; first < c.N; first += 250 {
				rows := map[int][]float32{}
				for i := first; i < min(first+250, c.N); i++ {
					rows[i] = hashed(i, c.D, c.Scale)
				}
				m[0] = append(m[0], []string{artefact(t, rows)})
			}
			got, product := direction(t, m, c.D, 2, false, 1e-3), 0.0
			for j, v := range got.Vector {
				product += v * c.Vector[j]
			}
			if math.Abs(product) < math.Cos(1e-3) || got.Status != pca.Converged {
				t.Errorf("cosine to svds %v; %s after %d passes", product, got.Status, got.Passes)
			}
			share := math.Pow(c.Singular[0]/c.Norm, 2)
			if term := got.Terms[0]; math.Abs(term.Share-share) > 1e-5*share || term.Rows != c.N {
				t.Errorf("explained share %v of %d rows, want %v of %d", term.Share, term.Rows, share, c.N)
			}
		})
	}
}

// hashed is row i of the matrix of d columns that rows() in python/reference_math.py makes with seed 1.
func hashed(i, d int, scale float64) []float32 {
	row := make([]float32, d)
	for j := range row {
		x := uint32(i*d+j) + 1
		x = (x ^ x>>16) * 0x7feb352d
		x = (x ^ x>>15) * 0x846ca68b
		x ^= x >> 16
		row[j] = float32((float64(x)/(1<<32) - 0.5) / (1 + scale*float64(j)))
	}
	return row
}

// TestDirectionDoesNotDependOnLayout: neither shards nor workers change a bit of it, with more rows than a chunk holds.
func TestDirectionDoesNotDependOnLayout(t *testing.T) {
	n := 2*chunkRows + 44
	want := direction(t, shards(t, n), width, 1, true, 1e-6).Vector
	for _, lengths := range [][]int{{1, n - 1}, {chunkRows, n - chunkRows}, {0, 100, 100, n - 200, 0}} {
		for _, workers := range []int{1, 3} {
			if got := direction(t, shards(t, lengths...), width, workers, true, 1e-6).Vector; !slices.Equal(got, want) {
				t.Errorf("shards of %v, %d workers: got %v, want %v", lengths, workers, got, want)
			}
		}
	}
}

// TestTinyRows: rows whose products would leave the range of float32 have the same direction, bit by bit where they are smaller by
// a power of two.
func TestTinyRows(t *testing.T) {
	const n = 200
	plain, tiny := map[int][]float32{}, map[int][]float32{}
	for i := range n {
		plain[i], tiny[i] = noisy(i), noisy(i)
		scale(tiny[i], 0x1p-100)
	}
	want := direction(t, [][][]string{{{artefact(t, plain)}}}, width, 2, false, 1e-6)
	got := direction(t, [][][]string{{{artefact(t, tiny)}}}, width, 2, false, 1e-6)
	if !slices.Equal(got.Vector, want.Vector) || got.Terms[0].Share != want.Terms[0].Share {
		t.Errorf("got %v, want %v", got.Vector, want.Vector)
	}
}

// TestRowsOfSeveralSources: the mean over the sources, of the images that all of them have.
func TestRowsOfSeveralSources(t *testing.T) {
	row := func(x float32) []float32 { return slices.Repeat([]float32{x}, width) }
	one := artefact(t, map[int][]float32{0: row(1), 1: row(2), 3: row(3), 4: row(4)})
	two := artefact(t, map[int][]float32{1: row(20), 2: row(50), 4: row(40), 5: row(60)})
	c := &chunks{shards: [][]string{{one, two}, {one, one}}, size: width, free: make(chan *runtime.Buffer, 1)}
	buffer, err := runtime.NewBuffer(4, width)
	if err != nil {
		t.Fatal(err)
	}
	c.free <- buffer
	read, err := c.next()
	if err != nil {
		t.Fatal(err)
	}
	if want := slices.Concat(row(11), row(22), row(1), row(2)); !slices.Equal(read.rows(), want) {
		t.Errorf("got %v, want %v", read.rows(), want)
	}
	c.Close()
}

// BenchmarkRows is one chunk of rows against a block of 8 vectors, in Go and in TensorFlow.
func BenchmarkRows(b *testing.B) {
	for _, d := range []int{28 * 28, 32 * 32 * 3, 224 * 224 * 3} {
		p, err := newPass(engine.New(engine.Options{Devices: []runtime.Device{{}}, Workers: 1, Memory: 1 << 30}), d, false)
		if err != nil {
			b.Fatal(err)
		}
		buffer := <-p.free
		rows := buffer.Floats()
		for i := range rows {
			rows[i] = float32(i%1009)/1009 - 0.5
		}
		vectors, err := runtime.NewBuffer(8, int64(d))
		if err != nil {
			b.Fatal(err)
		}
		copy(vectors.Floats(), rows)
		block := pca.Block{Width: 8, Dim: d, Vectors: vectors.Floats()}
		for name, product := range map[string]pca.Product{"go": nil, "tensorflow": p.product(b.Context(), vectors, buffer)} {
			b.Run(fmt.Sprintf("%s/d=%d", name, d), func(b *testing.B) {
				a := pca.NewAccumulator(block, product)
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
}
