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

// A cosine is above 0.9999 for the median image. A rectifier whose input is within float32's noise of 0 may be open in one
// implementation and closed in the other, and a gradient of second order feels it: the worst image may be further off.
const (
	medianApart = 1e-4
	worstApart  = 1e-2
	// smallest is the norm below which a gradient would say nothing: those compared are of 1e-6 to 1.
	smallest = 1e-7
)

// explanations are those of the references; the steps are the script's.
var explanations = []struct {
	kind string
	saliency.Explanation
}{
	{"simple_gradient", &saliency.SimpleGradient{}},
	{"integrated_gradients", &saliency.IntegratedGradients{Steps: 3}},
	{"input_x_gradient", &saliency.InputXGradient{}},
}

// TestParity goes through all networks and logs a table. For each network and explanation it has the number of ops of Python's
// frozen graph; of the map the relative difference to float64; and of the first and the second order 1 - cosine of Go's float32 and
// Python's float64 (median and worst image), their relative difference, and 1 - cosine of Python's float32 and float64 (worst).
func TestParity(t *testing.T) {
	var log strings.Builder
	w := tabwriter.NewWriter(&log, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "network\tops\texplanation\tmap\tfirst order\tworst\trelative\tPython's\tsecond order\tworst\trelative\tPython's\tPython's float32 is no reference for")
	folder, all := networks(t)
	for _, n := range all {
		t.Run(n.Name, func(t *testing.T) {
			m, err := savedmodels.Open(filepath.Join(folder, n.Name), savedmodels.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if m.Head() != n.Head {
				t.Errorf("head %s, want %s", m.Head(), n.Head)
			}
			for _, e := range explanations {
				rows := n.rows[e.kind]
				if len(rows) == 0 {
					continue
				}
				c := comparison{T: t, model: m, explanation: e, rows: rows, fit: len(n.Unfit) == 0}
				c.run()
				fmt.Fprintf(w, "%s\t%d\t%s\t%.0e\t%s\t%s\t%s\n", n.Name, n.Ops, e.kind, c.mapped, c.first, c.second, strings.Join(n.Unfit, ", "))
			}
		})
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("1 - cosine to Python's float64, and so on\n%s", log.String())
}

// A comparison is of one network explained in one way, for a few images.
type comparison struct {
	*testing.T
	model       *savedmodels.Model
	explanation saliency.Explanation
	rows        []reference
	fit         bool // Python's float32 is a reference

	mapped        float64
	first, second *agreement
}

func (c *comparison) run() {
	settings := saliency.Settings{Batch: len(c.rows)}
	var clean saliency.Batch
	var moved []float32
	for _, row := range c.rows {
		clean.Pixels = append(clean.Pixels, row.Pixels...)
		clean.Classes = append(clean.Classes, int32(row.Class))
		moved = append(moved, row.Moved...)
	}
	mapper, err := saliency.NewMapper(c.model, c.explanation, settings)
	if err != nil {
		c.Fatal(err)
	}
	defer mapper.Close()
	maps, err := mapper.Run(clean)
	if err != nil {
		c.Fatal(err)
	}
	c.checkMaps(maps)
	if c.rows[0].Explanation == "simple_gradient" {
		c.firstOrder(clean, maps.Logits)
	}
	clean.Pixels, clean.Reference = moved, maps.Map
	c.secondOrder(clean)
}

// checkMaps compares probabilities and maps.
func (c *comparison) checkMaps(maps saliency.Maps) {
	for i, row := range c.rows {
		p := softmax(part(maps.Logits, i, len(c.rows)))
		if d := relative(p, row.Probabilities); d > 1e-3 {
			c.Errorf("image %d: probabilities %v, want %v", i, p, row.Probabilities)
		}
		if own := p[row.Class]; own < 0.02 || own > 0.98 {
			c.Errorf("image %d: the probability %.3g is no test of its gradient", i, own)
		}
		d := relative(part(maps.Map, i, len(c.rows)), row.Map)
		if d > worstApart {
			c.Errorf("image %d: the map's relative difference is %.2g", i, d)
		}
		c.mapped = max(c.mapped, d)
	}
}

// firstOrder compares dp_c/dx, which is -p_c times the gradient of the cross-entropy.
func (c *comparison) firstOrder(clean saliency.Batch, logits []float32) {
	objective, err := saliency.NewCrossEntropy(c.model, saliency.Settings{Batch: len(c.rows)})
	if err != nil {
		c.Fatal(err)
	}
	defer objective.Close()
	got, err := objective.Run(clean)
	if err != nil {
		c.Fatal(err)
	}
	c.first = &agreement{}
	for i, row := range c.rows {
		p := softmax(part(logits, i, len(c.rows)))[row.Class]
		gradient := part(got.Rows, i, len(c.rows))
		for j := range gradient {
			gradient[j] *= -p
		}
		c.first.add(gradient, row.FirstSingle, row.FirstDouble)
	}
	c.check("first order", c.first)
}

// secondOrder compares the gradient of the distance to the clean image's map.
func (c *comparison) secondOrder(moved saliency.Batch) {
	objective, err := saliency.NewDissimilarity(c.model, c.explanation, saliency.Settings{Batch: len(c.rows)})
	if err != nil {
		c.Fatal(err)
	}
	defer objective.Close()
	got, err := objective.Run(moved)
	if err != nil {
		c.Fatal(err)
	}
	c.second = &agreement{}
	for i, row := range c.rows {
		if d := math.Abs(float64(got.Value[i])-row.Distance) / row.Distance; d > worstApart {
			c.Errorf("image %d: distance %g, want %g", i, got.Value[i], row.Distance)
		}
		if row.Error > 1e-5 {
			c.Errorf("image %d: the reference differs from central differences by %.1g of its norm", i, row.Error)
		}
		c.second.add(part(got.Rows, i, len(c.rows)), row.SecondSingle, row.SecondDouble)
	}
	c.check("second order", c.second)
}

func (c *comparison) check(order string, a *agreement) {
	if !(slices.Min(a.norm) > smallest) {
		c.Errorf("%s: the references are degenerate, norms %.2g", order, a.norm)
	}
	if !(median(a.double) < medianApart && slices.Max(a.double) < worstApart) {
		c.Errorf("%s: 1 - cosine to Python's float64 is %.2g", order, a.double)
	}
	if c.fit && !(median(a.single) < medianApart && slices.Max(a.single) < worstApart) {
		c.Errorf("%s: 1 - cosine to Python's float32 is %.2g", order, a.single)
	}
}
