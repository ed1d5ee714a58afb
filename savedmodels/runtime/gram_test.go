package runtime

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// gramDevices are the CPU and, where there is one, the first GPU.
func gramDevices(t *testing.T) []Device {
	t.Helper()
	all, err := Select("auto")
	if err != nil {
		t.Fatal(err)
	}
	if all[0].GPU {
		return []Device{{}, all[0]}
	}
	return []Device{{}}
}

// normal returns n numbers, the same for a seed.
func normal(n int, seed uint64) []float32 {
	source := rand.New(rand.NewPCG(seed, 0))
	numbers := make([]float32, n)
	for i := range numbers {
		numbers[i] = float32(source.NormFloat64())
	}
	return numbers
}

// filled returns a buffer of the given rows, the rest zeros.
func filled(t *testing.T, n, dim int, rows []float32) *Buffer {
	t.Helper()
	b, err := NewBuffer(int64(n), int64(dim))
	if err != nil {
		t.Fatal(err)
	}
	copy(b.Floats(), rows)
	return b
}

// gramOf multiplies in float64, sum by sum.
func gramOf(vectors, rows []float32, dim int) []float64 {
	product := make([]float64, len(vectors))
	for v := 0; v < len(vectors); v += dim {
		for r := 0; r < len(rows); r += dim {
			coefficient := 0.0
			for j := range dim {
				coefficient += float64(vectors[v+j]) * float64(rows[r+j])
			}
			for j := range dim {
				product[v+j] += coefficient * float64(rows[r+j])
			}
		}
	}
	return product
}

// TestGramAgainstFloat64 also shows that float32 is float32: on GPUs TensorFlow would multiply in TF32, of 11 bits.
func TestGramAgainstFloat64(t *testing.T) {
	for _, device := range gramDevices(t) {
		for _, c := range []struct{ width, n, filled, dim int }{
			{8, 128, 128, 784}, {8, 128, 3, 784}, {4, 16, 16, 5}, {1, 1, 1, 1}, {8, 55, 55, 20_000}, {3, 7, 0, 11},
		} {
			t.Run(fmt.Sprintf("%s %v", device, c), func(t *testing.T) {
				g, err := NewGram(c.width, c.n, c.dim, device)
				if err != nil {
					t.Fatal(err)
				}
				defer g.Close()
				rows := filled(t, c.n, c.dim, normal(c.filled*c.dim, 1))
				vectors, got := filled(t, c.width, c.dim, normal(c.width*c.dim, 2)), make([]float32, c.width*c.dim)
				if err := g.Multiply(got, vectors, rows); err != nil {
					t.Fatal(err)
				}
				want := gramOf(vectors.Floats(), rows.Floats()[:c.filled*c.dim], c.dim)
				off, norm := 0.0, 0.0
				for i, w := range want {
					off, norm = math.Hypot(off, float64(got[i])-w), math.Hypot(norm, w)
				}
				if off > 1e-6*norm {
					t.Errorf("relative error %.2g", off/norm)
				}
			})
		}
	}
}

// TestGramRepeats: calls side by side, over and over in the same buffers, give the same bits.
func TestGramRepeats(t *testing.T) {
	const width, n, dim = 8, 32, 3072
	vectors, filling := filled(t, width, dim, normal(width*dim, 2)), normal(n*dim, 1)
	for _, device := range gramDevices(t) {
		g, err := NewGram(width, n, dim, device)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		products := make([][]float32, 30)
		buffers := []*Buffer{filled(t, n, dim, nil), filled(t, n, dim, nil), filled(t, n, dim, nil)}
		var group sync.WaitGroup
		for first := range buffers {
			group.Go(func() {
				rows := buffers[first]
				for i := first; i < len(products); i += len(buffers) {
					copy(rows.Floats(), filling)
					products[i] = make([]float32, width*dim)
					if err := g.Multiply(products[i], vectors, rows); err != nil {
						t.Error(err)
					}
					clear(rows.Floats())
				}
			})
		}
		group.Wait()
		for i, product := range products {
			if !slices.Equal(product, products[0]) {
				t.Fatalf("%s: call %d differs from the first", device, i)
			}
		}
	}
}

func TestBufferRefusals(t *testing.T) {
	for _, shape := range [][]int64{{}, {0, 3}, {-2, 3}} {
		if _, err := NewBuffer(shape...); err == nil {
			t.Errorf("a buffer of shape %v", shape)
		}
	}
	g, err := NewGram(2, 3, 4, Device{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	err = g.Multiply(make([]float32, 8), filled(t, 2, 4, nil), filled(t, 4, 3, nil))
	if err == nil || !strings.Contains(err.Error(), "a buffer of shape [4 3], the placeholder has [3 4]") {
		t.Errorf("error %v", err)
	}
}
