package pca_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"upi/pca"
)

// hashedRows returns the n x d matrix that rows() in python/reference_math.py makes.
func hashedRows(n, d int, seed uint32, scale float64) []float32 {
	rows := make([]float32, n*d)
	for i := range rows {
		x := uint32(i) + seed
		x = (x ^ x>>16) * 0x7feb352d
		x = (x ^ x>>15) * 0x846ca68b
		x ^= x >> 16
		rows[i] = float32((float64(x)/(1<<32) - 0.5) * (1 / (1 + scale*float64(i%d))))
	}
	return rows
}

// solve runs the solver over matrices of d columns, each cut into shards of the given number of rows.
func solve(d int, options pca.Options, shard int, matrices ...[]float32) (pca.Result, error) {
	solver, err := pca.New(d, options)
	if err != nil {
		return pca.Result{}, err
	}
	for !solver.Done() {
		if err := pass(solver, d, shard, matrices...); err != nil {
			return pca.Result{}, err
		}
	}
	return solver.Result()
}

func pass(solver *pca.Solver, d, shard int, matrices ...[]float32) error {
	block := solver.Block()
	for term, matrix := range matrices {
		for len(matrix) > 0 {
			n := min(len(matrix), shard*d)
			a := pca.NewAccumulator(block, nil)
			if err := a.Add(matrix[:n]); err != nil {
				return err
			}
			if err := solver.Add(term, a.Partial()); err != nil {
				return err
			}
			matrix = matrix[n:]
		}
	}
	return solver.Step()
}

func cosine(a, b []float64) float64 {
	product, squaresA, squaresB := 0.0, 0.0, 0.0
	for i := range a {
		product += a[i] * b[i]
		squaresA += a[i] * a[i]
		squaresB += b[i] * b[i]
	}
	return product / math.Sqrt(squaresA*squaresB)
}

type reference struct {
	Singular []struct {
		Name     string
		N, D     int
		Scale    float64
		Vector   []float64
		Singular []float64
		Norm     float64
	}
	Signed []struct {
		Weight                 float64
		Vector, Values, Shares []float64
	}
}

// readReference reads values of scipy.sparse.linalg.svds and numpy.linalg.eigh: python python/reference_math.py pca
func readReference(t *testing.T) (r reference) {
	t.Helper()
	text, err := os.ReadFile("testdata/reference.json")
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAgainstSVDS(t *testing.T) {
	for _, c := range readReference(t).Singular {
		t.Run(c.Name, func(t *testing.T) {
			got, err := solve(c.D, pca.Options{}, 150, hashedRows(c.N, c.D, 1, c.Scale))
			if err != nil {
				t.Fatal(err)
			}
			if got.Status != pca.Converged || got.Angle > 1e-3 {
				t.Errorf("status %q with an angle of %g after %d passes", got.Status, got.Angle, got.Passes)
			}
			if cos := cosine(got.Vector, c.Vector); cos < math.Cos(1e-3) {
				t.Errorf("cosine to svds 1-%g", 1-cos)
			}
			if math.Abs(got.Singular[0]-c.Singular[0]) > 1e-5*c.Singular[0] {
				t.Errorf("first singular value %v, want %v", got.Singular[0], c.Singular[0])
			}
			if math.Abs(got.Terms[0].Norm-c.Norm) > 1e-9*c.Norm || got.Terms[0].Rows != c.N {
				t.Errorf("norm %v of %d rows, want %v of %d", got.Terms[0].Norm, got.Terms[0].Rows, c.Norm, c.N)
			}
			share := math.Pow(c.Singular[0]/c.Norm, 2)
			if math.Abs(got.Terms[0].Share-share) > 1e-5*share {
				t.Errorf("explained share %v, want %v", got.Terms[0].Share, share)
			}
			if len(c.Singular) > 1 {
				if ratio := c.Singular[1] / c.Singular[0]; math.Abs(got.Ratio-ratio) > 1e-3 {
					t.Errorf("ratio of singular values %v, want %v", got.Ratio, ratio)
				}
			}
		})
	}
}

func TestSignedAgainstEigh(t *testing.T) {
	g, v := hashedRows(400, 120, 1, 0.3), hashedRows(300, 120, 99, 0.1)
	for _, c := range readReference(t).Signed {
		got, err := solve(120, pca.Options{Weights: []float64{1, c.Weight}}, 64, g, v)
		if err != nil {
			t.Fatal(err)
		}
		if cos := cosine(got.Vector, c.Vector); got.Status != pca.Converged || cos < math.Cos(1e-3) {
			t.Errorf("weight %g: status %q, cosine to eigh 1-%g", c.Weight, got.Status, 1-cos)
		}
		if math.Abs(got.Eigenvalues[0]-c.Values[0]) > 1e-5*math.Abs(c.Values[0]) {
			t.Errorf("weight %g: eigenvalue %v, want %v", c.Weight, got.Eigenvalues[0], c.Values[0])
		}
		for k, share := range c.Shares {
			if math.Abs(got.Terms[k].Share-share) > 2e-3*share {
				t.Errorf("weight %g: term %d has a share of %v, want %v", c.Weight, k, got.Terms[k].Share, share)
			}
		}
		if got.Singular != nil {
			t.Errorf("weight %g: singular values of a signed matrix: %v", c.Weight, got.Singular)
		}
	}
}
