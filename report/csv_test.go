package report_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"upi/internal/pythontest"
	"upi/report"
	"upi/results"
)

// readsNumbers asks three libraries what a column of gaps and numbers is.
const readsNumbers = `
import sys
import duckdb, pandas as pd, polars as pl
path = sys.argv[1]
for column in ["normalized_l2_difference", "normalized_l2_seed_std_dev", "cosine_mean"]:
    types = duckdb.sql(f"select typeof({column}) from '{path}' limit 1").fetchall()[0][0], str(pl.read_csv(path).schema[column]), str(pd.read_csv(path)[column].dtype)
    assert types == ("DOUBLE", "Float64", "float64"), (column, types)
assert pl.read_csv(path)["normalized_l2_difference"].null_count() == pd.read_csv(path)["normalized_l2_difference"].isna().sum() > 0
`

// TestOthersReadCSV: DuckDB, Polars and pandas read a column with gaps as one of numbers.
func TestOthersReadCSV(t *testing.T) {
	dir := smallRun(t)
	if err := report.WriteTables(dir); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(pythontest.Interpreter(t), "-c", readsNumbers, filepath.Join(dir, results.TablesDir, "summary.csv")).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
