package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upi/report"
	"upi/results"
)

// TestFindings: the README and the page lead with sentences whose numbers are those of the tables; the intervals are the means
// 1.96 standard errors to either side, computed by hand here.
func TestFindings(t *testing.T) {
	dir := smallRun(t)
	accuracy, stdError, commonest := 0.97, 0.01, 0.3
	writeRows(t, filepath.Join(dir, results.TablesDir, "models.parquet"), []results.Model{
		{Model: "a", Split: "test", Explanation: "sg", Classes: 10, Images: 100, Right: 97, Accuracy: &accuracy, StdError: &stdError, Commonest: &commonest},
	})
	if err := report.Build(dir); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(dir, results.ReadmeFile))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, results.ReportFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Clean, a answers 97.0 % [95.0, 99.0] of 100 test images right (one answer to all would get 30.0 %).",
		"upi_grad at l2 510 moves the maps by 0.800 [0.784, 0.816] of their L2 norm, on 98 held-out images; random of the same size by 0.530 [0.520, 0.540].",
		"The difference to random, image by image, is +0.270 [+0.260, +0.280]: more than noise does.",
		"per_image at l2 510 moves the maps by 1.234 [1.210, 1.258] of their L2 norm, on 98 held-out images, each with a pattern of its own",
		"upi_grad ran with one seed",
		"No method under study has a number here.",
		"9 of the 12 numbers of the table could not be computed",
	} {
		if !strings.Contains(string(readme), want) {
			t.Errorf("README.md does not say %q:\n%s", want, readme)
		}
		if !strings.Contains(strings.ReplaceAll(string(page), "&#43;", "+"), want) {
			t.Errorf("report.html does not say %q", want)
		}
	}
	checkGolden(t, "readme.md", readme)
}

// TestVerdicts: an interval on either side of 0, or over it, by which way the metric is stronger.
func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		metric    string
		low, high float64
		want      string
	}{
		{"normalized_l2", 0.1, 0.2, "more than noise does"}, {"normalized_l2", -0.2, -0.1, "less than noise does"},
		{"normalized_l2", -0.1, 0.2, "not told apart from noise"}, {"cosine", -0.2, -0.1, "more than noise does"}, {"cosine", 0.1, 0.2, "less than noise does"},
	} {
		dir := t.TempDir()
		cell := mean("upi_grad", "a", "a", 510, c.metric, 0.5)
		middle := (c.low + c.high) / 2
		cell.Difference, cell.Low, cell.High = &middle, &c.low, &c.high
		writeRows(t, filepath.Join(dir, results.TablesDir, "summary.parquet"), []results.Cell{mean("random", "a", "a", 510, c.metric, 0.4), cell})
		if err := report.Build(dir); err != nil {
			t.Fatal(err)
		}
		readme, err := os.ReadFile(filepath.Join(dir, results.ReadmeFile))
		if err != nil || !strings.Contains(string(readme), c.want) {
			t.Errorf("%s [%g, %g]: %v, want %q in\n%s", c.metric, c.low, c.high, err, c.want, readme)
		}
	}
}

// TestShareOfNoneAndAll: the interval of a share of 0 or 100 % is not a point; values of scipy.stats.binomtest(k, n).proportion_ci(0.95,
// "exact"), to the digits that are shown.
func TestShareOfNoneAndAll(t *testing.T) {
	none, all := 0.0, 1.0
	for _, c := range []struct {
		share  *float64
		images int64
		want   string
	}{{&none, 12, "0.0 % [0.0, 26.5]"}, {&all, 40, "100.0 % [91.2, 100.0]"}, {&none, 986, "0.0 % [0.0, 0.4]"}} {
		if got := report.ShareWithin(c.share, &none, c.images); got != c.want {
			t.Errorf("%g of %d: %s, want %s", *c.share, c.images, got, c.want)
		}
	}
}

// TestDifferenceOfOneImage: a difference without an interval is told all the same.
func TestDifferenceOfOneImage(t *testing.T) {
	dir := t.TempDir()
	cell := mean("upi_grad", "a", "a", 510, "normalized_l2", 0.5)
	difference := 0.125
	cell.Difference, cell.Low, cell.High = &difference, nil, nil
	writeRows(t, filepath.Join(dir, results.TablesDir, "summary.parquet"), []results.Cell{mean("random", "a", "a", 510, "normalized_l2", 0.375), cell})
	if err := report.Build(dir); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(dir, results.ReadmeFile))
	if want := "is +0.125, of too few images for an interval."; err != nil || !strings.Contains(string(readme), want) {
		t.Errorf("%v, want %q in\n%s", err, want, readme)
	}
}
