package test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upi/internal/pythontest"
	"upi/results"
)

// TestAims: each objective moves the maps of images that no attack has seen, by its own metric, further than a random pattern of the
// same size does, by more than the interval of the difference; an attack that keeps predictions keeps more of them; and Python finds
// the same scores.
func TestAims(t *testing.T) {
	pythontest.Interpreter(t)
	r := newRun(t, "aims.yaml").done(t)
	cells := map[string]results.Cell{}
	for _, c := range read[results.Cell](t, filepath.Join(r.dir(), results.TablesDir, results.SummaryTable+".parquet")) {
		if c.Mean == nil {
			t.Fatalf("%s has no %s", c.Method, c.Metric)
		}
		cells[c.Method+" "+c.Metric] = c
	}
	for _, c := range []struct {
		cell  string
		rises bool
	}{
		{"free normalized_l2", true}, {"box region_share", true}, {"box region_gain", true}, {"box_each region_share", true},
		{"ring target_distance", false}, {"spared top_k", false}, {"shifted center_shift", true},
	} {
		cell, there := cells[c.cell]
		if !there || cell.Low == nil || c.rises && *cell.Low <= 0 || !c.rises && *cell.High >= 0 {
			t.Errorf("%s: the difference to random is not on the side of the attack: %+v", c.cell, cell)
			continue
		}
		t.Logf("%s: %.3f, random %.3f", c.cell, *cell.Mean, *cells["random "+cell.Metric].Mean)
	}
	free, kept := *cells["free prediction_changed"].Mean, *cells["kept prediction_changed"].Mean
	if !(kept < free/2) {
		t.Errorf("predictions changed: %.3f with keep, %.3f without", kept, free)
	}
	t.Logf("predictions changed: %.3f with keep, %.3f without; maps moved: %.3f and %.3f", kept, free, *cells["kept normalized_l2"].Mean,
		*cells["free normalized_l2"].Mean)
	if gain := *cells["none region_gain"].Mean; gain != 0 {
		t.Errorf("without a perturbation the box gains %g", gain)
	}
	for _, p := range r.perturbations(t) {
		if directed := p.Method != "random" && p.Method != "free" && p.Method != "none"; directed && (p.Sign != 1 || p.FitPlus != nil) {
			t.Errorf("%s has the sign %+d, chosen on the fit split: %v", p.ID, p.Sign, p.FitPlus != nil)
		}
	}
	if stdout, stderr, content := check(t, r.dir()); !content {
		t.Errorf("%s\n%s", stdout, stderr)
	}
	verify := exec.Command(upi, "verify", r.dir())
	verify.Dir = root
	var out bytes.Buffer
	verify.Stdout, verify.Stderr = &out, &out
	if err := verify.Run(); err != nil || strings.Contains(out.String(), "missing") {
		t.Errorf("upi verify: %v\n%s", err, out.String())
	}
}
