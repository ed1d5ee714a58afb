package random_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"upi/random"
)

// reference holds values of a second implementation: python python/reference_math.py random
type reference struct {
	Seed    int64
	Purpose string
	ID      int64
	Draw    int64
	Uint64  []string
	Normal  []float64
	Sphere  []float64
	Cube    []float64
	Perm    []int
}

func references(t *testing.T) []reference {
	t.Helper()
	text, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []reference
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestSecondImplementation(t *testing.T) {
	for _, c := range references(t) {
		stream := func() *random.Stream { return random.New(c.Seed, c.Purpose, c.ID, c.Draw) }
		bits := stream()
		for i, text := range c.Uint64 {
			want, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if got := bits.Uint64(); got != want {
				t.Fatalf("%q: number %d is %d, want %d", c.Purpose, i, got, want)
			}
		}
		if got := stream().Perm(len(c.Perm)); !slices.Equal(got, c.Perm) {
			t.Errorf("%q: Perm = %v, want %v", c.Purpose, got, c.Perm)
		}
		fills := []struct {
			name string
			fill func(dst []float32)
			want []float64
		}{
			{"Normal", func(dst []float32) { stream().Normal(dst, 2.5) }, c.Normal},
			{"Sphere", func(dst []float32) { stream().Sphere(dst, 255) }, c.Sphere},
			{"Cube", func(dst []float32) { stream().Cube(dst, 8) }, c.Cube},
		}
		for _, f := range fills {
			got := make([]float32, len(f.want))
			f.fill(got)
			for i, want := range f.want {
				if math.Abs(float64(got[i])-want) > 1e-6*math.Abs(want)+1e-12 {
					t.Errorf("%q: %s[%d] = %v, want %v", c.Purpose, f.name, i, got[i], want)
				}
			}
		}
	}
}

// TestKeysAreIndependent correlates the streams of keys that differ in one part. Under independence the correlation of n
// uniform numbers has a standard deviation of 1/sqrt(n).
func TestKeysAreIndependent(t *testing.T) {
	const n = 10000
	keys := []*random.Stream{
		random.New(0, "noise", 0, 0), random.New(1, "noise", 0, 0), random.New(-1, "noise", 0, 0),
		random.New(0, "noisf", 0, 0), random.New(0, "", 0, 0),
		random.New(0, "noise", 1, 0), random.New(0, "noise", 1<<40, 0),
		random.New(0, "noise", 0, 1), random.New(0, "noise", 0, -1),
	}
	columns := make([][]float64, len(keys))
	for i := range keys {
		columns[i] = make([]float64, n)
		for j := range columns[i] {
			columns[i][j] = (keys[i].Float64() - 0.5) * math.Sqrt(12)
		}
	}
	for i := range columns {
		for j := range i {
			sum := 0.0
			for k := range n {
				sum += columns[i][k] * columns[j][k]
			}
			if z := sum / math.Sqrt(n); math.Abs(z) > 4.5 {
				t.Errorf("streams %d and %d: correlation is %.1f standard deviations from 0", i, j, z)
			}
		}
	}
}

// TestUniform compares counts in 64 equal cells with their expectation; chi-square with 63 degrees of freedom exceeds 113
// with probability 1e-4.
func TestUniform(t *testing.T) {
	const cells, perCell = 64, 1000
	draws := map[string]func(s *random.Stream) int{
		"Float64": func(s *random.Stream) int { return int(cells * s.Float64()) },
		"Index":   func(s *random.Stream) int { return s.Index(cells) },
	}
	for name, draw := range draws {
		stream := random.New(5, name, 0, 0)
		counts := make([]float64, cells)
		for range cells * perCell {
			counts[draw(stream)]++
		}
		chi := 0.0
		for _, count := range counts {
			chi += (count - perCell) * (count - perCell) / perCell
		}
		if chi > 113 {
			t.Errorf("%s: chi-square %.0f over 63 degrees of freedom", name, chi)
		}
	}
}

// TestFirstNumbersOverImages looks across images where TestUniform looks along one stream: images use few numbers each.
func TestFirstNumbersOverImages(t *testing.T) {
	const n = 20000
	sum, squares := 0.0, 0.0
	for id := range int64(n) {
		stream := random.New(0, "smoothing", id, 0)
		var first [1]float32
		stream.Normal(first[:], 1)
		sum += float64(first[0])
		squares += float64(first[0]) * float64(first[0])
	}
	if z := sum / math.Sqrt(n); math.Abs(z) > 4.5 {
		t.Errorf("mean is %.1f standard errors from 0", z)
	}
	if z := (squares - n) / math.Sqrt(2*n); math.Abs(z) > 4.5 {
		t.Errorf("variance is %.1f standard errors from 1", z)
	}
}

func TestDegenerateIndex(t *testing.T) {
	stream := random.New(0, "", 0, 0)
	for _, n := range []int{-3, 0, 1} {
		if got := stream.Index(n); got != 0 {
			t.Errorf("Index(%d) = %d, want 0", n, got)
		}
		if got := len(stream.Perm(n)); got != max(n, 0) {
			t.Errorf("Perm(%d) has %d entries", n, got)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	var sum uint64
	for i := range b.N {
		stream := random.New(1, "smoothing", int64(i), 0)
		sum += stream.Uint64()
	}
	_ = sum
}
