package stats_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"upi/stats"
)

func near(got, want, tolerance float64) bool {
	return math.Abs(got-want) <= tolerance || math.IsNaN(got) && math.IsNaN(want)
}

// TestReferenceValues compares with numpy and scipy.stats: python python/reference_math.py stats
func TestReferenceValues(t *testing.T) {
	text, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name                     string
		Values                   []float64
		Mean, StdDev, StdErr     float64
		Probabilities, Quantiles []float64
		Bootstrap95              [2]float64
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		s := stats.Of(c.Values...)
		tolerance := 1e-9 * max(c.StdDev, math.Abs(c.Mean)*1e-6)
		if !near(s.Mean, c.Mean, tolerance) || !near(s.StdDev(), c.StdDev, tolerance) || !near(s.StdErr(), c.StdErr, tolerance) {
			t.Errorf("%s: mean %v, deviation %v, error %v, want %v, %v, %v", c.Name, s.Mean, s.StdDev(), s.StdErr(), c.Mean, c.StdDev, c.StdErr)
		}
		sorted := slices.Sorted(slices.Values(c.Values))
		for i, want := range c.Quantiles {
			if got := stats.Quantile(sorted, c.Probabilities[i]); !near(got, want, tolerance) {
				t.Errorf("%s: quantile at %v is %v, want %v", c.Name, c.Probabilities[i], got, want)
			}
		}
		// A quantile of B resampled means has the standard error sqrt(p(1-p)/B) / density: 0.019 StdErr at p = 0.025 and
		// B = 20,000 for a normal density; 5 of them, and as much again for skewed ones.
		interval, err := stats.Bootstrap{Resamples: 20000}.Mean(c.Values)
		if err != nil {
			t.Fatal(err)
		}
		if !near(interval.Low, c.Bootstrap95[0], 0.2*c.StdErr+tolerance) || !near(interval.High, c.Bootstrap95[1], 0.2*c.StdErr+tolerance) {
			t.Errorf("%s: bootstrap interval %v, want %v", c.Name, interval, c.Bootstrap95)
		}
	}
}

func TestMergeIsAdding(t *testing.T) {
	value := rapid.OneOf(rapid.Float64Range(-1e6, 1e6), rapid.Just(math.NaN()))
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.SliceOf(value).Draw(t, "first")
		second := rapid.SliceOf(value).Draw(t, "second")
		want := stats.Of(slices.Concat(first, second)...)
		got := stats.Of(first...)
		got.Merge(stats.Of(second...))
		if got.N != want.N || got.Missing != want.Missing || got.Min != want.Min || got.Max != want.Max ||
			!near(got.Mean, want.Mean, 1e-6) || !near(got.Squares, want.Squares, 1e-9*(1+want.Squares)) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		if got.N+got.Missing != len(first)+len(second) {
			t.Fatalf("%d values and %d missing of %d", got.N, got.Missing, len(first)+len(second))
		}
	})
}

func TestTooFewValues(t *testing.T) {
	nan := math.NaN()
	for _, values := range [][]float64{nil, {nan}, {3}, {nan, 3, nan}} {
		s := stats.Of(values...)
		interval, err := stats.Bootstrap{}.Mean(values)
		if err != nil {
			t.Fatal(err)
		}
		for what, got := range map[string]float64{
			"deviation": s.StdDev(), "error": s.StdErr(), "bootstrap": interval.Low,
		} {
			if !math.IsNaN(got) {
				t.Errorf("%v: %s is %v, want NaN", values, what, got)
			}
		}
	}
	if got := stats.Quantile(nil, 0.5); !math.IsNaN(got) {
		t.Errorf("quantile of nothing is %v", got)
	}
}

// TestCoverage: a 95 % interval of the mean of 60 normal numbers holds their true mean about 93.5 to 94.5 % of the time
// (percentile intervals are a little short); of 400 trials the count has a standard deviation of 4.6.
func TestCoverage(t *testing.T) {
	source := rand.New(rand.NewPCG(3, 3))
	const trials = 400
	covered := 0
	for trial := range trials {
		values := make([]float64, 60)
		for i := range values {
			values[i] = 5 + source.NormFloat64()
		}
		interval, err := stats.Bootstrap{Resamples: 500, Seed: uint64(trial)}.Mean(values)
		if err != nil {
			t.Fatal(err)
		}
		if holds(interval, 5) {
			covered++
		}
	}
	if share := float64(covered) / trials; share < 0.90 || share > 0.98 {
		t.Errorf("%.1f %% of the intervals hold the mean", 100*share)
	}
}

func TestBootstrapIsReproducible(t *testing.T) {
	values := []float64{1, 5, 2, 8, 3, math.NaN(), 4}
	intervals := make(map[stats.Interval]int)
	for seed := range uint64(3) {
		for range 2 {
			interval, err := stats.Bootstrap{Seed: seed, Resamples: 50}.Mean(values)
			if err != nil {
				t.Fatal(err)
			}
			intervals[interval]++
		}
	}
	if len(intervals) != 3 {
		t.Errorf("3 seeds twice give the intervals %v", intervals)
	}
}

func TestPair(t *testing.T) {
	nan := math.NaN()
	first := []stats.Observation{{9, 4}, {2, 1}, {5, nan}, {7, 0.5}, {1, 3}}
	second := []stats.Observation{{1, 1}, {2, 5}, {3, 1}, {5, 2}, {9, nan}, {7, 0.25}, {11, 0}}
	got, err := stats.Pair(first, second)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{2, -4, 0.25}; !slices.Equal(got.Values, want) || got.Unpaired != 2 || got.Missing != 2 {
		t.Errorf("got %+v, want the values %v, 2 unpaired and 2 missing", got, want)
	}
	if first[0].ID != 9 {
		t.Error("the caller's order was changed")
	}
}

// TestPairingShortensTheInterval: two methods that follow the image's difficulty differ by 0.1 with a deviation of 0.01, so
// the standard error of the paired difference of 100 images is 0.001, that of the unpaired one about 0.14.
func TestPairingShortensTheInterval(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 1))
	var first, second []stats.Observation
	for id := range int64(100) {
		difficulty := source.NormFloat64()
		first = append(first, stats.Observation{ID: id, Value: difficulty + 0.1 + 0.01*source.NormFloat64()})
		second = append(second, stats.Observation{ID: id, Value: difficulty})
	}
	source.Shuffle(len(second), func(i, j int) { second[i], second[j] = second[j], second[i] })
	d, err := stats.Pair(first, second)
	if err != nil {
		t.Fatal(err)
	}
	interval, err := stats.Bootstrap{}.Mean(d.Values)
	if err != nil {
		t.Fatal(err)
	}
	if !holds(interval, 0.1) || !near(interval.High-interval.Low, 2*1.96*0.001, 0.001) {
		t.Errorf("interval %v, want 0.1 -+ 0.002", interval)
	}
}

func TestBadInput(t *testing.T) {
	bootstrap := func(b stats.Bootstrap) error {
		_, err := b.Mean([]float64{1, 2, 3})
		return err
	}
	pair := func(a, b []stats.Observation) error {
		_, err := stats.Pair(a, b)
		return err
	}
	cases := []struct {
		want string
		err  error
	}{
		{"bootstrap -1 times", bootstrap(stats.Bootstrap{Resamples: -1})},
		{"level 95", bootstrap(stats.Bootstrap{Level: 95})},
		{"level NaN", bootstrap(stats.Bootstrap{Level: math.NaN()})},
		{"first set: image 4 occurs twice", pair([]stats.Observation{{4, 1}, {3, 1}, {4, 2}}, nil)},
		{"second set: image 0 occurs twice", pair(nil, []stats.Observation{{}, {}})},
	}
	for _, c := range cases {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want %q in it", c.err, c.want)
		}
	}
}

// BenchmarkBootstrap is one cell of a table: 5,000 images, 2,000 resamples.
func BenchmarkBootstrap(b *testing.B) {
	values := make([]float64, 5000)
	for i := range values {
		values[i] = float64(i * 7919 % 5003)
	}
	for b.Loop() {
		if _, err := (stats.Bootstrap{}).Mean(values); err != nil {
			b.Fatal(err)
		}
	}
}

func holds(i stats.Interval, value float64) bool { return i.Low <= value && value <= i.High }
