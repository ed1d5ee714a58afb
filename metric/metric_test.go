package metric_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"upi/metric"
)

// evaluate returns the named metrics of one image.
func evaluate(t interface{ Fatal(...any) }, in metric.Inputs, names ...string) map[string]float64 {
	e, err := metric.NewEvaluator(names...)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float64, len(names))
	if err := e.Evaluate(values, in); err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]float64)
	for i, name := range names {
		byName[name] = values[i]
	}
	return byName
}

// TestReferenceValues compares with numpy, scipy.stats and scikit-image: python python/reference_math.py metric
func TestReferenceValues(t *testing.T) {
	text, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name             string
		Height, Width    int
		Clean, Perturbed []float32
		TopK             float64 `json:"top_k"`
		Region           metric.Region
		Target           []float32
		Values           map[string]*float64
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		got := evaluate(t, metric.Inputs{
			Clean: c.Clean, Perturbed: c.Perturbed, Height: c.Height, Width: c.Width, TopK: c.TopK, Region: c.Region, Target: c.Target,
		}, metric.Names()...)
		for name, want := range c.Values {
			switch {
			case want == nil:
				if !math.IsNaN(got[name]) {
					t.Errorf("%s: %s = %v, want NaN", c.Name, name, got[name])
				}
			case !(math.Abs(got[name]-*want) <= 1e-10):
				t.Errorf("%s: %s = %.15g, want %.15g", c.Name, name, got[name], *want)
			}
		}
	}
}

// maps draws an image with ties and zeros.
func maps(t *rapid.T, label string, n int) []float32 {
	values := rapid.SliceOfN(rapid.OneOf(
		rapid.Float32Range(0, 1),
		rapid.Map(rapid.IntRange(0, 3), func(i int) float32 { return float32(i) / 4 }),
	), n, n).Draw(t, label)
	values[0] += 2 // neither zero nor constant
	return values
}

func TestUnchangedMaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		height, width := rapid.IntRange(7, 12).Draw(t, "height"), rapid.IntRange(7, 12).Draw(t, "width")
		image := maps(t, "map", height*width)
		region := metric.Region{Top: 1, Left: 2, Height: height - 1, Width: 3}
		got := evaluate(t, metric.Inputs{Clean: image, Perturbed: slices.Clone(image), Height: height, Width: width, Region: region,
			Target: maps(t, "target", height*width)}, metric.Names()...)
		for _, name := range metric.Names() {
			m, err := metric.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			want := m.Unchanged
			if math.IsNaN(want) { // the clean map's own: only the sum over the box
				want = shareOf(image, region, width)
			}
			// A target that is the clean map itself has no distance to compare with.
			if !(math.Abs(got[name]-want) < 1e-12) && !(name == "target_distance" && math.IsNaN(got[name])) {
				t.Fatalf("%s = %v, want %v", name, got[name], want)
			}
		}
	})
}

// TestInvariances: rank metrics see only the order, so doubling a map changes nothing; all similarities of the pair are
// the same when pixels of both maps are permuted alike, apart from ssim; rank correlations are symmetric and in -1..1.
func TestInvariances(t *testing.T) {
	ranks := []string{"top_k", "spearman", "kendall", "cosine"}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 60).Draw(t, "pixels")
		clean, perturbed := maps(t, "clean", n), maps(t, "perturbed", n)
		// One share of all pixels: with ties the choice of fewer depends on the pixels' order.
		in := metric.Inputs{Clean: clean, Perturbed: perturbed, Height: 1, Width: n, TopK: 1}
		want := evaluate(t, in, ranks...)
		same := func(what string, in metric.Inputs) {
			got := evaluate(t, in, ranks...)
			for name, w := range want {
				if g := got[name]; !(math.Abs(g-w) < 1e-12 || math.IsNaN(g) && math.IsNaN(w)) || math.Abs(g) > 1 {
					t.Fatalf("%s: %s went from %v to %v", what, name, w, g)
				}
			}
		}
		swapped, doubled, permuted := in, in, in
		swapped.Clean, swapped.Perturbed = perturbed, clean
		same("maps swapped", swapped)
		doubled.Perturbed = make([]float32, n)
		for i, v := range perturbed {
			doubled.Perturbed[i] = 2 * v
		}
		same("map doubled", doubled)
		order := rapid.Permutation(slices.Collect(func(yield func(int) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		})).Draw(t, "order")
		permuted.Clean, permuted.Perturbed = make([]float32, n), make([]float32, n)
		for i, j := range order {
			permuted.Clean[i], permuted.Perturbed[i] = clean[j], perturbed[j]
		}
		same("pixels permuted", permuted)
	})
}

// shareOf adds up what lies in a box.
func shareOf(values []float32, box metric.Region, width int) float64 {
	total, inside := 0.0, 0.0
	for _, v := range values {
		total += float64(v)
	}
	for y := range box.Height {
		for x := range box.Width {
			inside += float64(values[(box.Top+y)*width+box.Left+x])
		}
	}
	return inside / total
}

// TestGoalsAreChecked: a metric of a goal wants a box in the map, or a target of its size.
func TestGoalsAreChecked(t *testing.T) {
	in := metric.Inputs{Clean: make([]float32, 12), Perturbed: make([]float32, 12), Height: 3, Width: 4}
	for _, c := range []struct {
		name   string
		region metric.Region
		target []float32
		want   string
	}{
		{"region_share", metric.Region{}, nil, "evaluate region_share: the box of 0 x 0 pixels"},
		{"region_gain", metric.Region{Top: 2, Left: 0, Height: 2, Width: 1}, nil, "does not lie in a map of 3 x 4"},
		{"region_gain", metric.Region{Top: -1, Left: 0, Height: 2, Width: 1}, nil, "row -1, column 0"},
		{"region_gain", metric.Region{Top: 1, Left: 1, Height: 1, Width: math.MaxInt}, nil, "does not lie"},
		{"target_distance", metric.Region{}, make([]float32, 11), "a target of 11 values for maps of 3 x 4 pixels"},
	} {
		e, err := metric.NewEvaluator(c.name)
		if err != nil {
			t.Fatal(err)
		}
		in.Region, in.Target = c.region, c.target
		if err := e.Evaluate(make([]float64, 1), in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %+v: %v, want %q", c.name, c.region, err, c.want)
		}
	}
}

// TestKeptL2: an image whose prediction changed has none.
func TestKeptL2(t *testing.T) {
	in := metric.Inputs{Clean: []float32{0, 1}, Perturbed: []float32{1, 0}, Height: 1, Width: 2, PerturbedPrediction: 1}
	if got := evaluate(t, in, "kept_l2")["kept_l2"]; !math.IsNaN(got) {
		t.Errorf("kept_l2 = %v of another prediction", got)
	}
	in.CleanPrediction = 1
	if got := evaluate(t, in, "kept_l2")["kept_l2"]; got != math.Sqrt2 {
		t.Errorf("kept_l2 = %v, want %v", got, math.Sqrt2)
	}
}

// TestMarkMostSalient marks the pixels that top_k looks at: 3 of 6, ties by their index.
func TestMarkMostSalient(t *testing.T) {
	values := []float32{0, 1, 1, 2, 1, 0}
	metric.MarkMostSalient(values, 0.5)
	if want := []float32{0, 1, 1, 1, 0, 0}; !slices.Equal(values, want) {
		t.Errorf("%v, want %v", values, want)
	}
}

func TestTopKTiesGoByPixelIndex(t *testing.T) {
	in := metric.Inputs{
		Clean:     []float32{0, 1, 1, 1, 1, 0},
		Perturbed: []float32{1, 0, 1, 0, 1, 1},
		Height:    2, Width: 3, TopK: 0.5,
	}
	// Pixels 1, 2, 3 against 0, 2, 4.
	if got := evaluate(t, in, "top_k")["top_k"]; got != 1.0/3 {
		t.Errorf("got %v, want 1/3", got)
	}
	negative := float32(math.Copysign(0, -1))
	in.Clean, in.Perturbed = []float32{negative, 0, negative, 0, 0, 0}, []float32{0, 0, 0, 0, 0, negative}
	if got := evaluate(t, in, "top_k")["top_k"]; got != 1 {
		t.Errorf("0 and -0 are not tied: got %v", got)
	}
}

func TestPrediction(t *testing.T) {
	in := metric.Inputs{CleanPrediction: 3, PerturbedPrediction: 5, CleanProbability: 0.75, PerturbedProbability: 0.5}
	got := evaluate(t, in, "prediction_changed", "probability_drop")
	if got["prediction_changed"] != 1 || got["probability_drop"] != 0.25 {
		t.Errorf("got %v", got)
	}
	in.PerturbedPrediction = 3
	if got := evaluate(t, in, "prediction_changed")["prediction_changed"]; got != 0 {
		t.Errorf("prediction_changed = %v for the same prediction", got)
	}
}

func TestUndefinedValuesAreNaN(t *testing.T) {
	good := []float32{0.1, 0.2, 0.3, 0.4}
	undefined := map[string]metric.Inputs{
		"NaN in the clean map":           {Clean: []float32{float32(math.NaN()), 0, 1, 2}, Perturbed: good},
		"infinity in the perturbed map":  {Clean: good, Perturbed: []float32{1, 2, 3, float32(math.Inf(1))}},
		"negative infinity in the clean": {Clean: []float32{1, 2, 3, float32(math.Inf(-1))}, Perturbed: good},
	}
	for name, in := range undefined {
		in.Height, in.Width, in.CleanProbability = 2, 2, 0.5
		in.Region, in.Target = metric.Region{Height: 1, Width: 1}, make([]float32, 4)
		for metricName, value := range evaluate(t, in, metric.Names()...) {
			m, _ := metric.Lookup(metricName)
			if math.IsNaN(value) != m.Maps {
				t.Errorf("%s: %s = %v", name, metricName, value)
			}
		}
	}
	zero := metric.Inputs{Clean: make([]float32, 64), Perturbed: make([]float32, 64), Height: 8, Width: 8,
		Region: metric.Region{Height: 4, Width: 4}}
	for name, value := range evaluate(t, zero, "normalized_l2", "cosine", "spearman", "kendall", "ssim", "center_shift", "kept_l2",
		"region_share", "region_gain") {
		if !math.IsNaN(value) {
			t.Errorf("zero maps: %s = %v, want NaN", name, value)
		}
	}
}

func TestBadInput(t *testing.T) {
	if _, err := metric.NewEvaluator("cosine", "cosin"); err == nil || !strings.Contains(err.Error(), `"cosin"`) || !strings.Contains(err.Error(), "kendall") {
		t.Errorf("unknown metric: error %v", err)
	}
	e, err := metric.NewEvaluator("cosine")
	if err != nil {
		t.Fatal(err)
	}
	two := []float32{1, 2}
	cases := map[string]metric.Inputs{
		"2 x 2 pixels":                     {Clean: two, Perturbed: two, Height: 2, Width: 2},
		"the perturbed one 0":              {Clean: two, Height: 1, Width: 2},
		"0 x 0 pixels":                     {},
		"-1 x -2 pixels":                   {Clean: two, Perturbed: two, Height: -1, Width: -2},
		"share of pixels is 1.5":           {Clean: two, Perturbed: two, Height: 1, Width: 2, TopK: 1.5},
		"share of pixels is NaN":           {Clean: two, Perturbed: two, Height: 1, Width: 2, TopK: math.NaN()},
		"share of pixels is -0.1":          {Clean: two, Perturbed: two, Height: 1, Width: 2, TopK: -0.1},
		"clean map has 2 values, the pert": {Clean: two, Perturbed: make([]float32, 3), Height: 1, Width: 2},
	}
	for want, in := range cases {
		if err := e.Evaluate(make([]float64, 1), in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	if err := e.Evaluate(nil, metric.Inputs{Clean: two, Perturbed: two, Height: 1, Width: 2}); err == nil {
		t.Error("one metric was evaluated into no value")
	}
}

func BenchmarkEvaluate(b *testing.B) {
	for _, side := range []int{28, 224} {
		in := metric.Inputs{Clean: make([]float32, side*side), Perturbed: make([]float32, side*side), Height: side, Width: side,
			Region: metric.Region{Height: side / 4, Width: side / 4}, Target: make([]float32, side*side)}
		for i := range in.Clean {
			in.Clean[i] = float32(i*7919%10007) / 10007
			in.Perturbed[i] = float32(i*104729%10009) / 10009
		}
		for _, name := range append(metric.Names(), strings.Join(metric.Names(), ",")) {
			label := name
			if strings.Contains(name, ",") {
				label = "all"
			}
			b.Run(label, func(b *testing.B) {
				e, err := metric.NewEvaluator(strings.Split(name, ",")...)
				if err != nil {
					b.Fatal(err)
				}
				values := make([]float64, len(e.Metrics()))
				b.ReportAllocs()
				for b.Loop() {
					if err := e.Evaluate(values, in); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
