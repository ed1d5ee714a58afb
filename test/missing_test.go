package test

import (
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upi/internal/pythontest"
	"upi/results"
)

// TestMissingMaps: a map that is missing takes its image out of the metrics of maps alone. Which images of the network of dark.py have
// none, python/check_run.py computes anew with TensorFlow, and holds every row and cell to it.
func TestMissingMaps(t *testing.T) {
	python := pythontest.Interpreter(t)
	model := filepath.Join(t.TempDir(), "dark")
	if out, err := exec.Command(python, "testdata/dark.py", model).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r := newRun(t, "dark.yaml", "--set", "models.dark.path="+model).done(t)
	if stdout, stderr, content := check(t, r.dir()); !content {
		t.Fatalf("%s\n%s", stdout, stderr)
	}
	models := read[results.Model](t, filepath.Join(r.dir(), results.TablesDir, results.ModelsTable+".parquet"))
	i := slices.IndexFunc(models, func(m results.Model) bool { return m.Split == results.TestSplit })
	if i < 0 || models[i].NoMap < 5 || models[i].NoMap > 55 {
		t.Fatalf("want some of the 60 test images without a map: %+v", models)
	}
	for _, c := range read[results.Cell](t, filepath.Join(r.dir(), results.TablesDir, results.SummaryTable+".parquet")) {
		switch c.Metric {
		case "prediction_changed", "probability_drop":
			if c.Images != 60 || c.LeftOut != 0 {
				t.Errorf("%s: %d images, %d left out; it needs no map", c.Metric, c.Images, c.LeftOut)
			}
		case "normalized_l2":
			if c.Images > 60-models[i].NoMap || c.Images < 5 || c.LeftOut != 60-c.Images {
				t.Errorf("%s: %d images, %d left out; %d have no clean map", c.Metric, c.Images, c.LeftOut, models[i].NoMap)
			}
		}
	}
	rows := map[string]int{}
	for _, s := range r.scores(t) {
		rows[s.Perturbation]++
		if len(s.Metrics) != 3 || math.IsNaN(s.Metrics[1]) || math.IsNaN(s.Metrics[2]) {
			t.Errorf("image %d: %v", s.ImageID, s.Metrics)
		}
	}
	t.Run("all", func(t *testing.T) { noMapAtAll(t, model) })
	if len(rows) != 2 {
		t.Errorf("%d perturbations", len(rows))
	}
	for id, n := range rows {
		if n != 60 {
			t.Errorf("%s: %d rows, want one for each test image", id, n)
		}
	}
}

// noMapAtAll: on images that are all dark the errors say how many maps are missing.
func noMapAtAll(t *testing.T, model string) {
	for kind, want := range map[string]string{
		"upi_pca":  "no image of the fit split has a gradient: 96 of 96 clean maps are zero",
		"upi_grad": "no image of the fit split has a map: 96 of 96 clean maps are zero",
	} {
		r := newRun(t, "dark.yaml", "--set", "models.dark.path="+model, "--set", "models.dark.input.scale=0.01", "--set", "explanations.sg.score=probability",
			"--set", "attacks=[{name: a, kind: "+kind+", eps: [510]}]")
		out, err := r.command().CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v: want %q in\n%s", kind, err, want, out)
		}
	}
}
