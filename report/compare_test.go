package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upi/data/table"
	"upi/report"
	"upi/results"
)

func TestCompare(t *testing.T) {
	number := func(x float64) *float64 { return &x }
	cell := func(method string, mean, err *float64) results.Cell {
		return results.Cell{Method: method, Source: "net", Target: "net", Explanation: "sg", Norm: "l2", Eps: 510, Metric: "cosine",
			Images: 10, Mean: mean, StdError: err}
	}
	write := func(cells ...results.Cell) string {
		run := t.TempDir()
		if err := os.Mkdir(filepath.Join(run, results.TablesDir), 0o777); err != nil {
			t.Fatal(err)
		}
		w, err := table.Create[results.Cell](filepath.Join(run, results.TablesDir, "summary.parquet"), table.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(cells...); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return run
	}
	before := write(cell("same", number(0.5), number(0.1)), cell("moved", number(0.5), number(0.03)), cell("gone", number(0.5), nil),
		cell("lost", number(0.5), nil))
	after := write(cell("same", number(0.5), number(0.1)), cell("moved", number(0.7), number(0.04)), cell("lost", nil, nil),
		cell("new", number(0.25), nil))
	var out strings.Builder
	lines, err := report.Compare(&out, before, after)
	if err != nil {
		t.Fatal(err)
	}
	if lines != 4 {
		t.Errorf("%d lines, want 4:\n%s", lines, out.String())
	}
	// 1.96 * hypot(0.03, 0.04) = 0.098.
	for _, want := range []string{"moved l2 510 cosine", "0.500000 -> 0.700000", "+0.2000 [+0.1020, +0.2980]", "new l2 510 cosine",
		"gone l2 510 cosine", "0.500000 -> missing"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "same") {
		t.Errorf("an equal cell is shown:\n%s", out.String())
	}
}
