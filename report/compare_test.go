package report_test

import (
	"path/filepath"
	"strings"
	"testing"

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
		writeRows(t, filepath.Join(run, results.TablesDir, "summary.parquet"), cells)
		return run
	}
	// A run of a version that knew no roles.
	type earlier struct {
		Method      string   `parquet:"method"`
		Source      string   `parquet:"source"`
		Target      string   `parquet:"target"`
		Explanation string   `parquet:"explanation"`
		Norm        string   `parquet:"norm"`
		Eps         float64  `parquet:"eps"`
		Metric      string   `parquet:"metric"`
		Images      int64    `parquet:"images"`
		Mean        *float64 `parquet:"mean"`
		StdError    *float64 `parquet:"std_error"`
	}
	was := func(cells ...results.Cell) string {
		run := t.TempDir()
		var rows []earlier
		for _, c := range cells {
			rows = append(rows, earlier{c.Method, c.Source, c.Target, c.Explanation, c.Norm, c.Eps, c.Metric, c.Images, c.Mean, c.StdError})
		}
		writeRows(t, filepath.Join(run, results.TablesDir, "summary.parquet"), rows)
		return run
	}
	before := was(cell("same", number(0.5), number(0.1)), cell("moved", number(0.5), number(0.03)), cell("gone", number(0.5), nil),
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
