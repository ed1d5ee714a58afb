package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upi/internal/pythontest"
)

// comparison holds the rows of a query against the widest table of a run.
const comparison = `
import os, sys
import duckdb, pandas as pd
got = duckdb.sql(sys.argv[1]).df()
name = "transfer" if os.path.exists("tables/transfer.parquet") else "summary"
want = pd.read_parquet(f"tables/{name}.parquet").query("metric == 'normalized_l2' and images > 0")
both = got.merge(want, on=["target", "explanation", "source", "method", "norm", "eps"], suffixes=("", "_table"))
assert len(both) == len(got) == len(want) > 0, (len(both), len(got), len(want))
for column in ("images", "mean", "std_error"):
    assert (both[column] - both[column + "_table"]).abs().max() < 1e-9, column
`

// documentedQuery runs the query of docs/outputs.md, which computes cells from scores, on a run.
func documentedQuery(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "outputs.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, query, found := strings.Cut(string(text), "\n    SELECT model AS target")
	query, _, ended := strings.Cut(query, ";")
	if !found || !ended {
		t.Fatal("docs/outputs.md has no query")
	}
	cmd := exec.Command(pythontest.Interpreter(t), "-c", comparison, "SELECT model AS target"+query)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: the query of docs/outputs.md does not give the table:\n%s", err, out)
	}
}
