// Package parity compares explanations and their gradients of first and second order, as computed from Go, with those that
// TensorFlow's Python gets from the same SavedModels, architecture by architecture.
package parity

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"

	"upi/savedmodels"
	"upi/savedmodels/saliency"
)

const (
	// maxAngle bounds 1 - cosine of two gradients, for each image, and what rounding may make of a reference.
	maxAngle = 1e-4
	// maxDifference bounds that of maps, distances and the gradients' norms, relatively: two vectors of equal norm at maxAngle are
	// sqrt(2 maxAngle) = 0.014 apart.
	maxDifference = 1e-2
	// rounding moves an image, in grey levels, as the script does it; tries is how often.
	rounding, tries = 1e-4, 20
	// minNorm is that below which a gradient would say nothing: those compared are of 1e-6 to 10.
	minNorm = 1e-7
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
// frozen graph, of the map the relative difference to float64, and of both orders 1 - cosine of Go's float32 and Python's float32
// (1), of Go's and Python's float64 (2), of Python's float32 and float64 (3), of float64 under float32's rounding (jump).
func TestParity(t *testing.T) {
	compareAll(t, own)
}

// TestForeign does the same for networks of other libraries, which "make parity-foreign" sets up.
func TestForeign(t *testing.T) {
	if os.Getenv(foreignPython) == "" {
		t.Skipf("run 'make parity-foreign', which sets up the other libraries and names their Python in %s", foreignPython)
	}
	compareAll(t, foreign)
}

func compareAll(t *testing.T, s set) {
	var log strings.Builder
	w := tabwriter.NewWriter(&log, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "network\tops\texplanation\tmap\tfirst: 1\t2\t3\tsecond: 1\t2\t3\tjump\treplaced in Python's graph")
	folder, all := s.networks(t)
	for _, n := range all {
		t.Run(n.Name, func(t *testing.T) {
			m, err := savedmodels.Open(filepath.Join(folder, n.Name), n.Options)
			if err != nil {
				t.Fatal(err)
			}
			if m.Head().Kind != n.Head || m.Half() != n.Half {
				t.Errorf("head %s, 16-bit floats %t; want %s, %t", m.Head().Kind, m.Half(), n.Head, n.Half)
			}
			for _, e := range explanations {
				rows := n.rows[e.kind]
				if len(rows) == 0 {
					continue
				}
				c := comparison{T: t, model: m, explanation: e, rows: rows}
				c.run()
				fmt.Fprintf(w, "%s\t%d\t%s\t%.0e\t%s\t%s\t%.0e\t%s\n", n.Name, n.Ops, e.kind, c.mapped, c.first, c.second, c.jump, strings.Join(n.Replaced, ", "))
			}
		})
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("worst image of each\n%s", log.String())
}

// A comparison is of one network explained in one way, for a few images.
type comparison struct {
	*testing.T
	model       *savedmodels.Model
	explanation saliency.Explanation
	rows        []reference

	mapped, jump  float64
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
		c.firstOrder(clean)
	}
	clean.Pixels, clean.Reference = moved, maps.Map
	c.secondOrder(clean)
}

// checkMaps compares probabilities and maps.
func (c *comparison) checkMaps(maps saliency.Maps) {
	head := c.model.Head()
	tolerance, difference := 1e-3, maxDifference
	if c.model.Half() {
		// The answers of such a network are its own, rounded; its gradients are float32's, not just near them.
		tolerance, difference = 3e-2, 1e-4
	}
	for i, row := range c.rows {
		p := make([]float32, head.Classes)
		for k := range p {
			p[k] = float32(head.Probability(part(maps.Logits, i, len(c.rows)), k))
		}
		if d := relative(p, row.Probabilities); !(d < tolerance) {
			c.Errorf("image %d: probabilities %v, want %v", i, p, row.Probabilities)
		}
		if own := p[row.Class]; own < 0.02 || own > 0.98 {
			c.Errorf("image %d: the probability %.3g is no test of its gradient", i, own)
		}
		d := relative(part(maps.Map, i, len(c.rows)), row.Map)
		if !(d < difference) {
			c.Errorf("image %d: the map's relative difference is %.2g", i, d)
		}
		if !(row.Jump < maxAngle) {
			c.Errorf("image %d: under float32's rounding, 1 - cosine of the reference to itself is %.2g", i, row.Jump)
		}
		c.mapped, c.jump = max(c.mapped, d), max(c.jump, row.Jump)
	}
}

// firstOrder compares dp_c/dx, which is -p_c times the gradient of the cross-entropy.
func (c *comparison) firstOrder(clean saliency.Batch) {
	objective, err := saliency.NewCrossEntropy(c.model, saliency.Settings{Batch: len(c.rows)})
	if err != nil {
		c.Fatal(err)
	}
	defer objective.Close()
	c.first = c.agree("first order", clean, func(batch saliency.Batch) []float32 {
		got, err := objective.Run(batch)
		if err != nil {
			c.Fatal(err)
		}
		for i, row := range c.rows {
			p := row.Probabilities[row.Class]
			gradient := part(got.Rows, i, len(c.rows))
			for j := range gradient {
				gradient[j] *= -p
			}
		}
		return got.Rows
	}, reference.first)
}

// secondOrder compares the gradient of the distance to the clean image's map.
func (c *comparison) secondOrder(moved saliency.Batch) {
	objective, err := saliency.NewDissimilarity(c.model, c.explanation, saliency.Settings{Batch: len(c.rows)})
	if err != nil {
		c.Fatal(err)
	}
	defer objective.Close()
	for i, row := range c.rows {
		if !(row.Error < 1e-5) {
			c.Errorf("image %d: the reference differs from central differences by %.1g of its norm", i, row.Error)
		}
	}
	c.second = c.agree("second order", moved, func(batch saliency.Batch) []float32 {
		got, err := objective.Run(batch)
		if err != nil {
			c.Fatal(err)
		}
		for i, row := range c.rows {
			if d := math.Abs(float64(got.Value[i])-row.Distance) / row.Distance; !(d < maxDifference) {
				c.Errorf("image %d: distance %g, want %g", i, got.Value[i], row.Distance)
			}
		}
		return got.Rows
	}, reference.second)
}
