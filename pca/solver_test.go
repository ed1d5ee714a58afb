package pca_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"upi/pca"
)

func TestDegenerateMatrices(t *testing.T) {
	const d = 40
	unit := func(n int, at ...int) []float32 {
		rows := make([]float32, n*d)
		for i, j := range at {
			rows[i*d+j] = float32(3)
		}
		return rows
	}
	rankOne := make([]float32, 30*d)
	for i := range rankOne {
		rankOne[i] = float32(i/d+1) * float32(i%d-20)
	}
	nearlyEqual := unit(2, 4, 9)
	nearlyEqual[4] = 3.000001
	cases := []struct {
		name   string
		rows   []float32
		status pca.Status
		first  float64 // singular value
		ratio  float64
		zero   int
	}{
		{"one row", unit(1, 7), pca.Converged, 3, 0, 0},
		{"one row among zeros", slices.Concat(unit(1, 7), make([]float32, 99*d)), pca.Converged, 3, 0, 99},
		{"rank one", rankOne, pca.Converged, math.Sqrt(9455 * 5340), 0, 0},
		{"two equal singular values", unit(2, 4, 9), pca.NoGap, 3, 1, 0},
		{"two nearly equal singular values", nearlyEqual, pca.NoGap, 3.000001, 1, 0},
		{"the identity", unit(d, rand.New(rand.NewPCG(1, 1)).Perm(d)...), pca.NoGap, 3, 1, 0},
		{"tiny entries", scaledBy(unit(2, 4, 4), 1e-30), pca.Converged, 3e-30 * math.Sqrt2, 0, 0},
		{"huge entries", scaledBy(unit(2, 4, 4), 1e30), pca.Converged, 3e30 * math.Sqrt2, 0, 0},
		{"subnormal entries", scaledBy(unit(2, 4, 4), 1e-42), pca.Converged, float64(float32(3)*float32(1e-42)) * math.Sqrt2, 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := solve(d, pca.Options{}, 16, c.rows)
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != c.status || got.Passes > 10 {
				t.Errorf("status %q after %d passes, want %q; eigenvalues %v, residuals %v",
					got.Status, got.Passes, c.status, got.Eigenvalues, got.Residuals)
			}
			if math.Abs(got.Singular[0]-c.first) > 1e-5*c.first || math.Abs(got.Ratio-c.ratio) > 1e-3 {
				t.Errorf("singular value %v with ratio %v, want %v with %v", got.Singular[0], got.Ratio, c.first, c.ratio)
			}
			if got.Terms[0].ZeroRows != c.zero {
				t.Errorf("%d zero rows, want %d", got.Terms[0].ZeroRows, c.zero)
			}
			if largest := slices.MaxFunc(got.Vector, func(a, b float64) int {
				return int(math.Copysign(1, math.Abs(a)-math.Abs(b)))
			}); largest < 0 || math.Abs(cosine(got.Vector, got.Vector)-1) > 1e-12 {
				t.Errorf("entry of largest magnitude is %v", largest)
			}
		})
	}
}

func scaledBy(rows []float32, factor float32) []float32 {
	for i := range rows {
		rows[i] *= factor
	}
	return rows
}

func TestRestartsReachTheSameVector(t *testing.T) {
	const n, d = 900, 200
	rows := hashedRows(n, d, 1, 0.02)
	want, err := solve(d, pca.Options{}, n, rows)
	if err != nil {
		t.Fatal(err)
	}
	got, err := solve(d, pca.Options{Basis: 1, Width: 4, Passes: 300}, n, rows)
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != pca.Converged || cosine(got.Vector, want.Vector) < math.Cos(2e-3) {
		t.Errorf("status %q after %d passes, cosine %v", got.Status, got.Passes, cosine(got.Vector, want.Vector))
	}
	if math.Abs(got.Terms[0].Share-want.Terms[0].Share) > 1e-6 {
		t.Errorf("share %v, want %v", got.Terms[0].Share, want.Terms[0].Share)
	}
}

// TestLayoutDoesNotMatter: neither the shards' size nor the order of merging moves the vector beyond rounding.
func TestLayoutDoesNotMatter(t *testing.T) {
	const n, d = 300, 60
	rows := hashedRows(n, d, 5, 0.1)
	want, err := solve(d, pca.Options{}, n, rows)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		got, err := solve(d, pca.Options{}, rapid.IntRange(1, n).Draw(t, "rows per shard"), rows)
		if err != nil {
			t.Fatal(err)
		}
		if cos := cosine(got.Vector, want.Vector); cos < 1-1e-9 || got.Passes != want.Passes {
			t.Fatalf("cosine 1-%g after %d passes, want %d", 1-cos, got.Passes, want.Passes)
		}
	})
}

func TestMergeOrderDoesNotMatter(t *testing.T) {
	const d, width, shards = 50, 4, 12
	block := pca.Block{Width: width, Dim: d, Vectors: hashedRows(width, d, 3, 0)}
	parts := make([]pca.Partial, shards)
	for i := range parts {
		a := pca.NewAccumulator(block, nil)
		if err := a.Add(hashedRows(20+i, d, uint32(1000*i), 0.01)); err != nil {
			t.Fatal(err)
		}
		parts[i] = a.Partial()
	}
	merged := func(order []int) (p pca.Partial) {
		for _, i := range order {
			if err := p.Merge(parts[i]); err != nil {
				t.Fatal(err)
			}
		}
		return p
	}
	order := make([]int, shards)
	for i := range order {
		order[i] = i
	}
	want := merged(order)
	rapid.Check(t, func(t *rapid.T) {
		got := merged(rapid.Permutation(order).Draw(t, "order"))
		if got.Rows != want.Rows || math.Abs(got.Squares-want.Squares) > 1e-12*want.Squares || got.LargestRow != want.LargestRow {
			t.Fatalf("%d rows, %v squares, want %d and %v", got.Rows, got.Squares, want.Rows, want.Squares)
		}
		for i, v := range got.Product {
			if math.Abs(v-want.Product[i]) > 1e-12*want.Squares {
				t.Fatalf("entry %d is %v, want %v", i, v, want.Product[i])
			}
		}
	})
}

// TestResetForgets: an accumulator that has seen other rows and another block gives the same as a new one.
func TestResetForgets(t *testing.T) {
	const d, width = 50, 4
	block := pca.Block{Width: width, Dim: d, Vectors: hashedRows(width, d, 3, 0)}
	before := pca.Block{Width: width, Dim: d, Vectors: hashedRows(width, d, 4, 0)}
	fresh, used := pca.NewAccumulator(block, nil), pca.NewAccumulator(before, nil)
	if err := used.Add(make([]float32, 3*d)); err != nil {
		t.Fatal(err)
	}
	if err := used.Add(scaledBy(hashedRows(7, d, 2, 0), 1e-30)); err != nil {
		t.Fatal(err)
	}
	used.Reset(block, nil)
	for _, a := range []*pca.Accumulator{fresh, used} {
		if err := a.Add(hashedRows(20, d, 1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(used.Partial(), fresh.Partial()) {
		t.Errorf("got %v, want %v", used.Partial(), fresh.Partial())
	}
}

func TestStartVectorsHelp(t *testing.T) {
	const n, d = 400, 150
	rows := hashedRows(n, d, 1, 0.05)
	cold, err := solve(d, pca.Options{}, n, rows)
	if err != nil {
		t.Fatal(err)
	}
	start := make([]float32, 2*d) // the second vector is zero and must be replaced
	for i, v := range cold.Vector {
		start[i] = float32(v)
	}
	warm, err := solve(d, pca.Options{Start: start}, n, rows)
	if err != nil {
		t.Fatal(err)
	}
	if warm.Passes >= cold.Passes || cosine(warm.Vector, cold.Vector) < math.Cos(2e-3) {
		t.Errorf("%d passes from the answer, %d from random vectors; cosine %v", warm.Passes, cold.Passes, cosine(warm.Vector, cold.Vector))
	}
}

func TestUnitRows(t *testing.T) {
	rows := []float32{3, 4, 0, 0, 0, 1e-30, -5, 0}
	if zeros := pca.Unit(rows, 2); zeros != 1 {
		t.Errorf("%d zero rows, want 1", zeros)
	}
	if want := []float32{0.6, 0.8, 0, 0, 0, 1, -1, 0}; !slices.Equal(rows, want) {
		t.Errorf("got %v, want %v", rows, want)
	}
}

// TestPassesOfASlowDecay: singular values that fall by 2 % from one to the next are those of a diagonal matrix, whose first right
// singular vector is the first unit vector.
func TestPassesOfASlowDecay(t *testing.T) {
	const d = 300
	rows := make([]float32, d*d)
	for i := range d {
		rows[i*d+i] = float32(math.Pow(0.98, float64(i)))
	}
	for width, most := range map[int]int{0: 7, 8: 9, 32: 5} {
		got, err := solve(d, pca.Options{Width: width}, 100, rows)
		if err != nil {
			t.Fatal(err)
		}
		if got.Status != pca.Converged || got.Passes > most || got.Vector[0] < math.Cos(2e-3) {
			t.Errorf("width %d: %s after %d passes, want at most %d; the first entry is %v", width, got.Status, got.Passes, most, got.Vector[0])
		}
	}
}
