// Package parity compares explanations and their gradients of first and second order, as computed from Go, with those that
// TensorFlow's Python gets from the same SavedModels, architecture by architecture.
package parity

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"upi/savedmodels"
	"upi/savedmodels/saliency"
)

// apart is how far from 1 a cosine may be.
const apart = 1e-4

var explanations = map[string]saliency.Explanation{
	"simple_gradient":      &saliency.SimpleGradient{},
	"integrated_gradients": &saliency.IntegratedGradients{Steps: 3},
	"input_x_gradient":     &saliency.InputXGradient{},
}

// TestParity goes through all networks and logs a table: for each network and explanation the number of ops, and for the first
// and the second order 1 - cosine and the relative difference to Python's float64, and what they are for Python's own float32.
func TestParity(t *testing.T) {
	var log strings.Builder
	w := tabwriter.NewWriter(&log, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "network\tops\texplanation\tmap\t1-cos 1st\trelative\tPython's\t1-cos 2nd\trelative\tPython's\tnot for Python's float32")
	for _, n := range networks(t) {
		t.Run(n.Name, func(t *testing.T) {
			m, err := savedmodels.Open(filepath.Join(folder, n.Name), savedmodels.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if m.Head() != n.Head {
				t.Errorf("head %s, want %s", m.Head(), n.Head)
			}
			for kind, rows := range n.rows {
				mapped, first, second := compare(t, m, kind, rows)
				fmt.Fprintf(w, "%s\t%d\t%s\t%.0e\t%s\t%s\t%s\n", n.Name, n.Ops, kind, mapped, first, second, strings.Join(n.Unfit, ", "))
			}
		})
	}
	w.Flush()
	t.Log("\n" + log.String())
}

// An agreement is the worst over images.
type agreement struct {
	apart, relative float64 // Go's float32 and Python's float64
	noise           float64 // 1 - cosine of Python's float32 and float64
}

func (a agreement) String() string {
	return fmt.Sprintf("%.0e\t%.0e\t%.0e", a.apart, a.relative, a.noise)
}

// check compares gradients of n images.
func check(t *testing.T, order string, got []float32, rows []reference, single, double func(reference) []float32) agreement {
	t.Helper()
	var worst agreement
	size := len(got) / len(rows)
	for i, row := range rows {
		g, s, d := got[i*size:(i+1)*size], single(row), double(row)
		if norm(d) < 1e-7 {
			t.Errorf("%s order, image %d: the reference is degenerate, norm %.2g", order, i, norm(d))
		}
		far := 1 - cosine(g, d)
		if !(far < apart) {
			t.Errorf("%s order, image %d: cosine %.6f to float64", order, i, 1-far)
		}
		worst.apart, worst.relative = max(worst.apart, far), max(worst.relative, relative(g, d))
		if len(s) == 0 {
			continue
		}
		worst.noise = max(worst.noise, 1-cosine(s, d))
		if far := 1 - cosine(g, s); !(far < apart) {
			t.Errorf("%s order, image %d: cosine %.6f to float32", order, i, 1-far)
		}
	}
	return worst
}

func compare(t *testing.T, m *savedmodels.Model, kind string, rows []reference) (mapped float64, first, second agreement) {
	t.Helper()
	e, settings := explanations[kind], saliency.Settings{Batch: len(rows)}
	var clean saliency.Batch
	var pixels []float32
	for _, row := range rows {
		clean.Pixels = append(clean.Pixels, row.Pixels...)
		clean.Classes = append(clean.Classes, int32(row.Class))
		pixels = append(pixels, row.Moved...)
	}
	mapper, err := saliency.NewMapper(m, e, settings)
	if err != nil {
		t.Fatal(err)
	}
	defer mapper.Close()
	maps, err := mapper.Run(clean)
	if err != nil {
		t.Fatal(err)
	}
	p := softmax(maps.Logits, m.Classes())
	size := len(maps.Map) / len(rows)
	for i, row := range rows {
		own := p[i*m.Classes() : (i+1)*m.Classes()]
		if d := relative(own, row.Probabilities); d > 1e-3 {
			t.Errorf("image %d: probabilities %v, want %v", i, own, row.Probabilities)
		}
		mapped = max(mapped, relative(maps.Map[i*size:(i+1)*size], row.Map))
	}
	if mapped > 1e-2 {
		t.Errorf("map: relative difference %.2g", mapped)
	}
	if kind == "simple_gradient" {
		first = firstOrder(t, m, clean, p, rows)
	}
	objective, err := saliency.NewDissimilarity(m, e, settings)
	if err != nil {
		t.Fatal(err)
	}
	defer objective.Close()
	moved := clean
	moved.Pixels, moved.Reference = pixels, maps.Map
	got, err := objective.Run(moved)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		if d := math.Abs(float64(got.Value[i])-row.Distance) / row.Distance; d > 1e-2 {
			t.Errorf("image %d: distance %g, want %g", i, got.Value[i], row.Distance)
		}
		if row.Error > 1e-3 {
			t.Errorf("image %d: the reference differs from central differences by %.1g of its norm", i, row.Error)
		}
	}
	second = check(t, "second", got.Rows, rows,
		func(r reference) []float32 { return r.SecondSingle }, func(r reference) []float32 { return r.SecondDouble })
	return mapped, first, second
}

// firstOrder compares dp_c/dx, which is -p_c times the gradient of the cross-entropy.
func firstOrder(t *testing.T, m *savedmodels.Model, clean saliency.Batch, p []float32, rows []reference) agreement {
	t.Helper()
	objective, err := saliency.NewCrossEntropy(m, saliency.Settings{Batch: len(rows)})
	if err != nil {
		t.Fatal(err)
	}
	defer objective.Close()
	got, err := objective.Run(clean)
	if err != nil {
		t.Fatal(err)
	}
	size := len(got.Rows) / len(rows)
	for i, row := range rows {
		own := p[i*m.Classes()+int(row.Class)]
		if own < 0.01 || own > 0.99 {
			t.Errorf("image %d: the probability %.3g is no test of its gradient", i, own)
		}
		for j := range size {
			got.Rows[i*size+j] *= -own
		}
	}
	return check(t, "first", got.Rows, rows,
		func(r reference) []float32 { return r.FirstSingle }, func(r reference) []float32 { return r.FirstDouble })
}

func softmax(logits []float32, classes int) []float32 {
	p := make([]float32, len(logits))
	for row := 0; row < len(p); row += classes {
		largest, total := slices.Max(logits[row:row+classes]), 0.0
		for k := row; k < row+classes; k++ {
			total += math.Exp(float64(logits[k] - largest))
		}
		for k := row; k < row+classes; k++ {
			p[k] = float32(math.Exp(float64(logits[k]-largest)) / total)
		}
	}
	return p
}

func norm(a []float32) float64 {
	sum := 0.0
	for _, v := range a {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

func relative(got, want []float32) float64 {
	difference := make([]float32, len(want))
	for i := range want {
		difference[i] = got[i] - want[i]
	}
	return norm(difference) / norm(want)
}

func cosine(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum / (norm(a) * norm(b))
}
