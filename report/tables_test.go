package report_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upi/data/table"
	"upi/report"
	"upi/results"
)

func TestTables(t *testing.T) {
	dir := smallRun(t)
	if err := report.WriteTables(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"summary.md", "summary.tex", "summary.csv", "transfer.md", "transfer.tex", "transfer.csv",
		"against_per_image.md", "against_per_image.tex", "against_per_image.csv", "sign.md"} {
		t.Run(name, func(t *testing.T) {
			got, err := os.ReadFile(filepath.Join(dir, results.TablesDir, name))
			if err != nil {
				t.Fatal(err)
			}
			checkGolden(t, name, got)
		})
	}
	var summary bytes.Buffer
	if err := report.Summary(&summary, dir, report.TerminalWidth); err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "summary.txt", summary.Bytes())
}

// hostile holds what would end a cell, start markup, or move the cursor of a terminal.
const hostile = "a|b`c*<script>alert(1)</script>&{x}$_%#~^\\[l](javascript:x)\n\x1b[31m\u202e\"'"

func hostileRun(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	c := against(mean(hostile, hostile, hostile, 1, hostile, 0.5), 0.1)
	c.Explanation, c.Norm = hostile, hostile
	for _, table := range []string{results.SummaryTable, results.TransferTable, "other"} {
		writeRows(t, filepath.Join(dir, results.TablesDir, table+".parquet"), []results.Cell{c})
	}
	return dir
}

func TestHostileNames(t *testing.T) {
	dir := hostileRun(t)
	if err := report.WriteTables(dir); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, results.TablesDir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, table := range []string{"summary", "transfer", "other"} {
		for _, suffix := range []string{".md", ".tex"} {
			text := read(table + suffix)
			for _, bad := range []string{"<script", "\x1b", "\u202e", "](javascript"} {
				if strings.Contains(text, bad) {
					t.Errorf("%s%s holds %q", table, suffix, bad)
				}
			}
		}
		rows := 0
		for line := range strings.Lines(read(table + ".md")) {
			if !strings.HasPrefix(line, "| ") {
				continue
			}
			rows++
			bars := strings.Count(line, "|") - strings.Count(line, `\|`)
			if want := map[string]int{"summary": 8, "transfer": 4, "other": 7}[table]; bars != want {
				t.Errorf("%s.md: %d cell borders, want %d in %s", table, bars, want, line)
			}
		}
		if rows != 3 {
			t.Errorf("%s.md: %d lines of tables, want header, rule and one row", table, rows)
		}
	}
	lines, err := csv.NewReader(strings.NewReader(read("summary.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if lines[1][0] != hostile {
		t.Errorf("CSV holds %q, want %q", lines[1][0], hostile)
	}
	if tex := read("summary.tex"); !strings.Contains(tex, `\textbackslash{}{[}l{]}(javascript:x) ?{[}31m?`) {
		t.Errorf("LaTeX is not escaped:\n%s", tex)
	}
}

// The rows are those of the tables: without a configuration and a manifest only what these tell is lacking.
func TestWithoutSettings(t *testing.T) {
	dir := smallRun(t)
	if err := os.Remove(filepath.Join(dir, "config.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "manifest.json")); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := report.Summary(&out, dir, report.TerminalWidth); err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "summary_alone.txt", out.Bytes())
}

// Perturbations of several sources stand beside those of one, under the model that they are scored on, and are compared to the random
// one of that model.
func TestSeveralSources(t *testing.T) {
	dir := t.TempDir()
	writeRows(t, filepath.Join(dir, results.TablesDir, "summary.parquet"), []results.Cell{
		against(mean("upi_grad", "a+b", "a", 510, "normalized_l2", 0.7), 0.2),
		mean("upi_grad", "a+b", "b", 510, "normalized_l2", 0.6),
		mean("random", "a", "a", 510, "normalized_l2", 0.5),
		mean("random", "b", "b", 510, "normalized_l2", 0.4),
	})
	var out bytes.Buffer
	if err := report.Summary(&out, dir, report.TerminalWidth); err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "summary_joint.txt", out.Bytes())
}

func TestNoTables(t *testing.T) {
	dir := t.TempDir()
	if err := report.WriteTables(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("WriteTables: %v, want fs.ErrNotExist", err)
	}
	if err := report.Summary(&bytes.Buffer{}, dir, report.TerminalWidth); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Summary: %v, want fs.ErrNotExist", err)
	}
	writeRows(t, filepath.Join(dir, results.TablesDir, "summary.parquet"), []results.Cell{})
	var out bytes.Buffer
	if err := report.Summary(&out, dir, report.TerminalWidth); err != nil || !strings.Contains(out.String(), "no rows") {
		t.Errorf("Summary of an empty table: %v\n%s", err, out.String())
	}
}

func TestDamagedInputs(t *testing.T) {
	for _, name := range []string{"config.yaml", "manifest.json", "tables/summary.parquet"} {
		t.Run(name, func(t *testing.T) {
			dir := smallRun(t)
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte("{\x00"), 0o666); err != nil {
				t.Fatal(err)
			}
			if err := report.WriteTables(dir); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("the error is %v, want one that names %s", err, path)
			}
		})
	}
}

// A row beside which there is no random one is owed no difference; the order of rows is that of the roles, and then that of
// the cells.
func TestOrderOfRows(t *testing.T) {
	dir := t.TempDir()
	cell := func(method string, role results.Role) results.Cell {
		c := mean(method, "a", "a", 510, "normalized_l2", 0.5)
		c.Kind, c.Role = "some", role
		return c
	}
	writeRows(t, filepath.Join(dir, results.TablesDir, "summary.parquet"), []results.Cell{
		cell("z", results.RoleMethod), cell("other", "new role"), cell("top", results.RoleUpper), cell("y", results.RoleMethod),
		cell("base", results.RoleBaseline), cell("nothing", results.RoleNothing),
	})
	var out bytes.Buffer
	if err := report.Summary(&out, dir, report.TerminalWidth); err != nil {
		t.Fatal(err)
	}
	var methods []string
	for line := range strings.Lines(out.String()) {
		if fields := strings.Fields(line); len(fields) > 4 && fields[1] == "l2" {
			methods = append(methods, fields[0])
			if difference := fields[len(fields)-1]; difference != "–" {
				t.Errorf("%s has the difference %q to no random perturbation", fields[0], difference)
			}
		}
	}
	if want := []string{"nothing", "base", "z", "y", "top", "other"}; !slices.Equal(methods, want) {
		t.Errorf("rows %v, want %v", methods, want)
	}
}

// Warnings that cannot be read are an error, not silence.
func TestDamagedWarnings(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, results.TablesDir, "summary.parquet")
	damaged := table.Options{Metadata: map[string]string{results.WarningsKey: "not JSON"}}
	writeTable(t, path, damaged, []results.Cell{mean("random", "a", "a", 1, "cosine", 1)})
	if err := report.WriteTables(dir); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("the error is %v, want one that names %s", err, path)
	}
}

// wideRun has nine metrics, and a transfer between four models.
func wideRun(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	models := []string{"cifar10_vgg", "cifar10_resnet20", "cifar10_mobilenetv2", "cifar10_vit"}
	var summary, transfer []results.Cell
	for _, metric := range []string{"normalized_l2", "cosine", "top_k", "spearman", "kendall", "ssim", "center_shift", "prediction_changed", "probability_drop"} {
		for _, source := range models {
			for _, target := range models {
				c := against(mean("random", source, target, 510, metric, -4e-5), -0.05)
				transfer = append(transfer, c)
				if c.Diagonal {
					summary = append(summary, c)
				}
			}
		}
	}
	writeRows(t, filepath.Join(dir, results.TablesDir, "summary.parquet"), summary)
	writeRows(t, filepath.Join(dir, results.TablesDir, "transfer.parquet"), transfer)
	return dir
}

func TestLaTeXCompiles(t *testing.T) {
	compiler, err := exec.LookPath("pdflatex")
	if err != nil {
		t.Skip("no pdflatex: install texlive-latex-recommended to have the tables compiled")
	}
	for name, dir := range map[string]string{"small": smallRun(t), "wide": wideRun(t), "hostile": hostileRun(t)} {
		t.Run(name, func(t *testing.T) {
			if err := report.WriteTables(dir); err != nil {
				t.Fatal(err)
			}
			tables := filepath.Join(dir, results.TablesDir)
			writeText(t, filepath.Join(tables, "all.tex"), `\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}`+
				`\input{summary}\input{transfer}\IfFileExists{sign.tex}{\input{sign}\input{against_per_image}}{}\end{document}`)
			c := exec.CommandContext(t.Context(), compiler, "-interaction=nonstopmode", "-halt-on-error", "all.tex")
			c.Dir = tables
			out, err := c.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			if name != "hostile" && bytes.Contains(out, []byte("Overfull")) {
				t.Errorf("a table is wider than the page:\n%s", out)
			}
		})
	}
}
