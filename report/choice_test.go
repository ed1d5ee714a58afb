package report_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"

	"upi/report"
	"upi/results"
)

// chosenTable is what Table writes.
func chosenTable(t *testing.T, c report.Choice, dirs ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.Table(&out, dirs, c); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestTextFits: what is shown on a terminal is at most as wide as that, with every name whole as long as there is room, and what is left out
// is named.
func TestTextFits(t *testing.T) {
	for name, dir := range map[string]string{"small": smallRun(t), "wide": wideRun(t), "hostile": hostileRun(t)} {
		for _, width := range []int{60, 80, 200} {
			var summary bytes.Buffer
			if err := report.Summary(&summary, dir, width); err != nil {
				t.Fatal(err)
			}
			for what, text := range map[string]string{"summary": summary.String(), "table": chosenTable(t, report.Choice{Width: width}, dir)} {
				for line := range strings.Lines(text) {
					line = strings.TrimSuffix(line, "\n")
					// A word is not broken: the path of a run, or a name that nobody would give.
					if n := runewidth.StringWidth(line); n > width && strings.Contains(strings.TrimSpace(line), " ") && name != "hostile" {
						t.Errorf("%s, %s at %d columns: a line of %d: %s", name, what, width, n, line)
					}
				}
				if name == "wide" && width == 80 && (!strings.Contains(text, "Too wide to be shown here: ") || !strings.Contains(text, "probability_drop")) {
					t.Errorf("%s does not name what it leaves out:\n%s", what, text)
				}
				if name == "wide" && width == 80 && !strings.Contains(text, "cifar10_mobilenetv2") {
					t.Errorf("%s cuts a name that there is room for:\n%s", what, text)
				}
			}
		}
	}
}

func TestChosenTables(t *testing.T) {
	dir := smallRun(t)
	for name, c := range map[string]report.Choice{
		"chosen.txt": {Metrics: []string{"cosine", "normalized_l2"}},
		"chosen.md": {Format: "markdown", Metrics: []string{"normalized_l2"}, Across: []string{"eps"}, Difference: true,
			Where: map[string][]string{"model": {"a"}, "method": {"random", "upi_grad"}}, Labels: map[string]string{"upi_grad": "UPI-Grad", "a": "Net A"}},
		"chosen.tex": {Format: "latex", By: []string{"model", "eps"}, Labels: map[string]string{"upi_grad": "UPI-Grad", "normalized_l2": "L_2"}},
		"chosen.csv": {Format: "csv", Metrics: []string{"cosine"}, Labels: map[string]string{"upi_grad": "UPI-Grad"}},
	} {
		t.Run(name, func(t *testing.T) {
			checkGolden(t, name, []byte(chosenTable(t, c, dir)))
		})
	}
}

// TestBest: of the rows of one model and budget the strongest is marked, by which way the metric is stronger; neither the upper reference
// nor a tie takes it from another, and no change of the answers is best.
func TestBest(t *testing.T) {
	dir := t.TempDir()
	cells := []results.Cell{}
	for method, values := range map[string][4]float64{
		"none": {0, 1, 0, 0}, "random": {0.5, 0.8, 0.1, 0.1}, "upi_pca": {0.7001, 0.6, 0.2, 0.2}, "upi_grad": {0.7, 0.5, 0.3, 0.3}, "per_image": {0.9, 0.1, 0.9, 0.9},
	} {
		for i, m := range []string{"normalized_l2", "cosine", "prediction_changed", "center_shift"} {
			cells = append(cells, mean(method, "a", "a", 510, m, values[i]))
		}
	}
	writeRows(t, filepath.Join(dir, results.TablesDir, "summary.parquet"), cells)
	rows := map[string][]string{}
	for line := range strings.Lines(chosenTable(t, report.Choice{Format: "markdown", Metrics: []string{"normalized_l2", "cosine", "prediction_changed",
		"center_shift"}}, dir)) {
		if fields := strings.Split(line, "|"); len(fields) > 5 {
			rows[strings.TrimSpace(fields[1])] = fields[2:6]
		}
	}
	for method, want := range map[string][4]bool{"none": {}, "random": {}, "upi_pca": {true, false, false, false}, "upi_grad": {true, true, false, true}, "per_image": {}} {
		if len(rows[method]) != 4 {
			t.Fatalf("no row of %s: %v", method, rows)
		}
		for i, text := range rows[method] {
			if got := strings.Contains(text, "**"); got != want[i] {
				t.Errorf("%s, column %d: %s, best %v, want %v", method, i, text, got, want[i])
			}
		}
	}
}

// TestSeveralRuns: rows of several runs are told apart, those of one name by their directories.
func TestSeveralRuns(t *testing.T) {
	first, second := smallRun(t), smallRun(t)
	lines, err := csv.NewReader(strings.NewReader(chosenTable(t, report.Choice{Format: "csv", Where: map[string][]string{"method": {"random"}}}, first, second))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, line := range lines[1:] {
		count[line[0]]++
	}
	if lines[0][0] != "run" || len(lines) != 9 || count["small"] != 4 || count[second] != 4 {
		t.Errorf("rows of %v under %v", count, lines[0])
	}
}

func TestWrongChoices(t *testing.T) {
	dir := smallRun(t)
	for problem, c := range map[string]report.Choice{
		`no metric "ssim": it has normalized_l2, cosine`:    {Metrics: []string{"ssim"}},
		`no table "other": it has summary, transfer, sign`:  {Table: "other"},
		`rows have no key "target": they have run, model`:   {By: []string{"target"}},
		`rows have no key "epsilon"`:                        {Where: map[string][]string{"epsilon": {"1"}}},
		`none of the 12 rows of the table summary`:          {Where: map[string][]string{"eps": {"1"}}},
		`format "word" is unknown: take one of text,`:       {Format: "word"},
		`the key eps is to tell rows apart and columns too`: {By: []string{"eps"}, Across: []string{"eps"}},
	} {
		err := report.Table(&bytes.Buffer{}, []string{dir}, c)
		var wrong *report.ChoiceError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), problem) {
			t.Errorf("the error is %v, want %s", err, problem)
		}
	}
}

// TestLaTeXFitsAColumn: chosen tables, and all tables of runs, are within the columns of an article of two.
func TestLaTeXFitsAColumn(t *testing.T) {
	compiler, err := exec.LookPath("pdflatex")
	if err != nil {
		t.Skip("no pdflatex: install texlive-latex-recommended to have the tables compiled")
	}
	for name, dir := range map[string]string{"small": smallRun(t), "wide": wideRun(t)} {
		t.Run(name, func(t *testing.T) {
			if err := report.WriteTables(dir); err != nil {
				t.Fatal(err)
			}
			tables := filepath.Join(dir, results.TablesDir)
			writeText(t, filepath.Join(tables, "chosen.tex"), chosenTable(t, report.Choice{Format: "latex"}, dir))
			writeText(t, filepath.Join(tables, "across.tex"), chosenTable(t, report.Choice{Format: "latex", Across: []string{"model"}, Difference: true}, dir))
			writeText(t, filepath.Join(tables, "all.tex"), `\documentclass[twocolumn]{article}\usepackage{booktabs,graphicx}\begin{document}`+
				`\input{chosen}\input{across}\input{summary}\input{transfer}\end{document}`)
			c := exec.CommandContext(t.Context(), compiler, "-interaction=nonstopmode", "-halt-on-error", "all.tex")
			c.Dir = tables
			out, err := c.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if bytes.Contains(out, []byte("Overfull")) {
				t.Errorf("a table is wider than its column:\n%s", out)
			}
		})
	}
}

// TestPairedTables: of a table of differences alone the differences are written, with the images that both have.
func TestPairedTables(t *testing.T) {
	got := chosenTable(t, report.Choice{Table: "against_per_image", Metrics: []string{"normalized_l2"}, Where: map[string][]string{"model": {"a"}}}, smallRun(t))
	for _, want := range []string{"98 images\n", "upi_grad  -0.300 [-0.310, -0.290]", "Mean differences over the images that both have"} {
		if !strings.Contains(got, want) {
			t.Errorf("the table does not hold %q:\n%s", want, got)
		}
	}
}
