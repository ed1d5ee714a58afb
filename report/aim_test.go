package report_test

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upi/report"
	"upi/results"
)

const aimedConfig = `
name: aimed
models: [{name: a, path: models/a}]
explanations: [{name: sg, kind: simple_gradient}]
attacks:
  - {name: random, kind: random, norm: l2, eps: [255, 510]}
  - {name: upi_grad, kind: upi_grad, norm: l2, eps: [510], steps: 60}
  - {name: box, kind: upi_grad, norm: l2, eps: [510], steps: 60, objective: {kind: region}}
  - {name: strict, kind: upi_grad, norm: l2, eps: [510], steps: 60, keep: {weight: 0.1, margin: 1}}
  - {name: lax, kind: upi_grad, norm: l2, eps: [510], steps: 60, keep: {weight: 0.01, margin: 1}}
  - {name: again, kind: upi_pca, norm: l2, eps: [510], rows: unit, refine: 4}
evaluation: {sign: fit, clip: none, filter: correct, metrics: [normalized_l2, region_share, prediction_changed]}
`

// aimedRun has an attack that brings maps into a box, at the cost of their dissimilarity, and attacks that keep predictions.
func aimedRun(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeText(t, filepath.Join(dir, "config.yaml"), aimedConfig)
	var cells []results.Cell
	for _, row := range []struct {
		method, kind       string
		eps                float64
		l2, share, changed float64
	}{
		{"random", "random", 255, 0.40, 0.05, 0.01}, {"random", "random", 510, 0.50, 0.06, 0.02}, {"upi_grad", "upi_grad", 510, 0.80, 0.05, 0.30},
		{"box", "upi_grad", 510, 0.45, 0.40, 0.10}, {"strict", "upi_grad", 510, 0.60, 0.05, 0.01}, {"lax", "upi_grad", 510, 0.75, 0.05, 0.12},
		{"again", "upi_pca", 510, 0.55, 0.05, 0.03},
	} {
		for metric, values := range map[string][2]float64{"normalized_l2": {row.l2, 0.5}, "region_share": {row.share, 0.06}, "prediction_changed": {row.changed, 0.02}} {
			c := mean(row.kind, "a", "a", row.eps, metric, values[0])
			c.Method = row.method
			if row.kind != "random" {
				c = against(c, values[0]-values[1])
			}
			cells = append(cells, c)
		}
	}
	// By metric, in the order of the configuration.
	slices.SortStableFunc(cells, func(a, b results.Cell) int {
		order := []string{"normalized_l2", "region_share", "prediction_changed"}
		return slices.Index(order, a.Metric) - slices.Index(order, b.Metric)
	})
	writeRows(t, filepath.Join(dir, results.TablesDir, "summary.parquet"), cells)
	of := examples()
	of[0].Region, of[1].Target = []int32{21, 0, 7, 7}, waves(32, 1, 0, 0.03)
	writeRows(t, filepath.Join(dir, results.FiguresDir, results.ExamplesFile), of)
	return dir
}

// TestAimsAreToldByTheirMetric: an attack that is after a box is not said to change maps less than noise does, but to bring more into the box.
func TestAimsAreToldByTheirMetric(t *testing.T) {
	dir := aimedRun(t)
	if err := report.Build(dir); err != nil {
		t.Fatal(err)
	}
	text := func(name string) string {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	readme := text(results.ReadmeFile)
	for _, want := range []string{
		"upi_grad at l2 510 moves the maps by 0.800 [0.784, 0.816] of their L2 norm",
		"box at l2 510 brings region_share of the maps to 0.400 [0.392, 0.408], on 98 held-out images; random of the same size to 0.060 [0.059, 0.061].",
		"The difference to random, image by image, is +0.340 [+0.330, +0.350]: more than noise does.",
		"what is climbed is the share of the perturbed map in the goal's box",
		"as long as the budget allows; it is refined 4 times: more gradients are taken where the pattern found so far has moved the images",
		"predictions are kept: 0.1 is taken off for each logit that the margin of the clean answer falls short of 1",
	} {
		if !strings.Contains(readme, want) {
			t.Errorf("README.md does not say %q:\n%s", want, readme)
		}
	}
	if strings.Contains(readme, "box at l2 510 moves") || strings.Contains(readme, "less than noise") {
		t.Errorf("README.md tells of a failure:\n%s", readme)
	}
	table := text(filepath.Join(results.TablesDir, "summary.md"))
	for _, want := range []string{"+0.340 [+0.330, +0.350] of region_share", " +0.300 [+0.290, +0.310] |", "compared with random in the metric of that"} {
		if !strings.Contains(strings.ReplaceAll(table, `\_`, "_"), want) {
			t.Errorf("summary.md does not say %q:\n%s", want, table)
		}
	}
	var terminal bytes.Buffer
	if err := report.Summary(&terminal, dir, 200); err != nil || !strings.Contains(terminal.String(), "+0.340 [+0.330, +0.350] of region_share") {
		t.Errorf("%v:\n%s", err, terminal.String())
	}
}

// TestTradeoff: the weights of keep are points of one line, the attack that keeps nothing among them as the weight 0; other methods are lines
// of their own.
func TestTradeoff(t *testing.T) {
	dir := aimedRun(t)
	if err := report.Build(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, results.FiguresDir, "tradeoff-a-sg-l2-normalized_l2.png")); err != nil {
		t.Error(err)
	}
	lines, err := report.Tradeoffs(dir, "l2")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"upi_grad, by weight of keep, margin 1, eps 510: upi_grad (0), lax (0.01), strict (0.1)",
		"random: random (255), random (510)",
		"box: box (510)",
		"again: again (510)",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("%q, want %q", lines, want)
	}
	// Without keep there is no such figure, and one of an earlier report goes.
	writeText(t, filepath.Join(dir, "config.yaml"), smallConfig)
	if err := report.Build(dir); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, results.FiguresDir, "tradeoff-*")); len(files) > 0 {
		t.Errorf("there are %v", files)
	}
}

// TestExamplesShowTheGoal: a target is a sixth panel; a box is a frame on both maps, whose pixels are 8 x 8 large.
func TestExamplesShowTheGoal(t *testing.T) {
	dir := aimedRun(t)
	if err := report.Build(dir); err != nil {
		t.Fatal(err)
	}
	for name, panels := range map[string]int{"example-1-17.png": 5, "example-2-_3.png": 6} {
		text, err := os.ReadFile(filepath.Join(dir, results.FiguresDir, name))
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := picture.Bounds().Dx(), panels*224+(panels+2)*16+18+76; got != want {
			t.Errorf("%s is %d pixels wide, want %d", name, got, want)
		}
		if panels != 5 {
			continue
		}
		const top = 16 + 26 + 13
		for panel, framed := range []bool{false, true, false, true, false} {
			left := 16 + panel*(224+16)
			r, g, b, _ := picture.At(left+1, top+21*8+1).RGBA()
			if got := r>>8 == 86 && g>>8 == 180 && b>>8 == 233; got != framed {
				t.Errorf("panel %d has the frame of the box: %v, want %v", panel+1, got, framed)
			}
		}
	}
	for want, spoil := range map[string]func(e *results.Example){
		"the box [21 0 8 7]":           func(e *results.Example) { e.Region = []int32{21, 0, 8, 7} },
		"the box [1]":                  func(e *results.Example) { e.Region = []int32{1} },
		"a target of 3 values":         func(e *results.Example) { e.Target = make([]float32, 3) },
		"the box [2147483647 0 1 1] (": func(e *results.Example) { e.Region = []int32{1<<31 - 1, 0, 1, 1} },
	} {
		bad := examples()
		spoil(&bad[0])
		writeRows(t, filepath.Join(dir, results.FiguresDir, results.ExamplesFile), bad)
		if err := report.Build(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
}
