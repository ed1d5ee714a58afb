package random_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"upi/random"
)

// TestNormalMoments checks the first four moments; their estimates over n numbers have the standard errors 1, sqrt 2,
// sqrt 15 and sqrt 96 over sqrt n.
func TestNormalMoments(t *testing.T) {
	const n, sigma = 200000, 3
	stream := random.New(11, "moments", 0, 0)
	values := make([]float32, n)
	stream.Normal(values, sigma)
	want := []float64{0, 1, 0, 3}
	spread := []float64{1, math.Sqrt2, math.Sqrt(15), math.Sqrt(96)}
	for k := range want {
		sum := 0.0
		for _, v := range values {
			sum += math.Pow(float64(v)/sigma, float64(k+1))
		}
		if z := (sum/n - want[k]) / (spread[k] / math.Sqrt(n)); math.Abs(z) > 4.5 {
			t.Errorf("moment %d is %.1f standard errors from %g", k+1, z, want[k])
		}
	}
}

// TestSphereIsIsotropic: for a uniform direction u in d dimensions E[u_i u_j] is 1/d on the diagonal and 0 off it, with the
// variances 2(d-1)/(d^2 (d+2)) and 1/(d(d+2)).
func TestSphereIsIsotropic(t *testing.T) {
	const n, d = 20000, 5
	var second [d][d]float64
	point := make([]float32, d)
	for id := range int64(n) {
		stream := random.New(2, "direction", id, 0)
		stream.Sphere(point, 1)
		for i := range d {
			for j := range d {
				second[i][j] += float64(point[i]) * float64(point[j])
			}
		}
	}
	for i := range d {
		for j := range d {
			want, variance := 0.0, 1/float64(d*(d+2))
			if i == j {
				want, variance = 1.0/d, 2*(d-1)/float64(d*d*(d+2))
			}
			if z := (second[i][j]/n - want) / math.Sqrt(variance/n); math.Abs(z) > 4.5 {
				t.Errorf("E[u%d u%d] is %.1f standard errors from %g", i, j, z, want)
			}
		}
	}
}

// TestCubeFaces: each of the 2d faces is met equally often, and a coordinate off the face is uniform, so E[x^2] = half^2
// (1/d + (1-1/d)/3).
func TestCubeFaces(t *testing.T) {
	const n, d, half = 20000, 4, 8
	var faces [2 * d]float64
	squares := 0.0
	point := make([]float32, d)
	for id := range int64(n) {
		stream := random.New(3, "cube", id, 0)
		stream.Cube(point, half)
		for i, v := range point {
			squares += float64(v) * float64(v)
			switch v {
			case half:
				faces[2*i]++
			case -half:
				faces[2*i+1]++
			}
		}
	}
	chi := 0.0
	for _, count := range faces {
		chi += (count - n/(2*d)) * (count - n/(2*d)) / (n / (2 * d))
	}
	if chi > 29.9 { // chi-square, 7 degrees of freedom, 1e-4
		t.Errorf("faces %v: chi-square %.1f", faces, chi)
	}
	if got, want := squares/(n*d)/(half*half), 1.0/d+(1-1.0/d)/3; math.Abs(got-want) > 0.01 {
		t.Errorf("mean square %.4f, want %.4f", got, want)
	}
}

func TestSurfaceLiesOnTheSphere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		point := make([]float32, rapid.IntRange(1, 400).Draw(t, "dimension"))
		eps := rapid.Float64Range(1e-3, 1e4).Draw(t, "eps")
		stream := random.New(rapid.Int64().Draw(t, "seed"), rapid.String().Draw(t, "purpose"), rapid.Int64().Draw(t, "id"), 0)
		if err := stream.Surface(point, 2, eps); err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, v := range point {
			sum += float64(v) * float64(v)
		}
		if norm := math.Sqrt(sum); math.Abs(norm-eps) > 1e-6*eps {
			t.Fatalf("L2 norm %v, want %v", norm, eps)
		}
		if err := stream.Surface(point, math.Inf(1), eps); err != nil {
			t.Fatal(err)
		}
		largest := 0.0
		for _, v := range point {
			largest = max(largest, math.Abs(float64(v)))
		}
		if math.Abs(largest-eps) > 1e-6*eps {
			t.Fatalf("L-infinity norm %v, want %v", largest, eps)
		}
	})
}

func TestSurfaceRefusesOtherNorms(t *testing.T) {
	stream := random.New(0, "", 0, 0)
	for _, p := range []float64{0, 1, math.NaN(), math.Inf(-1)} {
		if err := stream.Surface(make([]float32, 3), p, 1); err == nil {
			t.Errorf("p = %g: no error", p)
		}
	}
}

func TestEmptyDestination(t *testing.T) {
	stream := random.New(0, "", 0, 0)
	stream.Normal(nil, 1)
	stream.Sphere(nil, 1)
	stream.Cube(nil, 1)
}

// BenchmarkNormalImage is the noise of one 32x32x3 image, stream and all.
func BenchmarkNormalImage(b *testing.B) {
	b.ReportAllocs()
	image := make([]float32, 32*32*3)
	b.SetBytes(int64(4 * len(image)))
	for i := range b.N {
		stream := random.New(1, "smoothing", int64(i), 0)
		stream.Normal(image, 1)
	}
}
