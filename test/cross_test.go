package test

import (
	"os/exec"
	"testing"

	"upi/internal/pythontest"
)

// crossFollows computes the cross table and that of explanations from the scores, with pandas.
const crossFollows = `
import glob
import numpy as np, pandas as pd
scores = pd.concat([pd.read_parquet(f) for f in glob.glob("scores/*.parquet")])
crossed = scores[scores.fitted_for != scores.explanation]
assert set(zip(crossed.fitted_for, crossed.explanation)) == {("sg", "xg"), ("xg", "sg")} and set(crossed.method) == {"pca"}
cross = pd.read_parquet("tables/cross.parquet").query("metric == 'normalized_l2'")
assert len(cross) == 4
for c in cross.itertuples():
    rows = scores[(scores.method == c.method) & (scores.fitted_for == c.fitted_for) & (scores.explanation == c.explanation)]
    assert abs(rows.normalized_l2.mean() - c.mean) < 1e-12 and rows.normalized_l2.notna().sum() == c.images > 0, c
own = scores[scores.fitted_for == scores.explanation]
table = pd.read_parquet("tables/explanations.parquet").query("metric == 'normalized_l2'")
assert set(table.method) == {"pca", "random"}, table
for c in table.itertuples():
    by = [own[(own.method == c.method) & (own.explanation == e)].groupby("image_id").normalized_l2.mean() for e in (c.explanation, c.other)]
    paired = (by[0] - by[1]).dropna()
    assert abs(paired.mean() - c.difference) < 1e-12 and len(paired) == c.images > 0 and c.low <= c.difference <= c.high, c
`

// TestCrossExplanations: perturbations are scored through the explanations that they were not fitted for, in rows and a table of their own,
// and the rest of the run is what the independent check expects.
func TestCrossExplanations(t *testing.T) {
	interpreter := pythontest.Interpreter(t)
	r := newRun(t, "base.yaml", "--set", "evaluation.cross_explanations=true", "--set",
		"explanations=[{name: sg, kind: simple_gradient}, {name: xg, kind: input_x_gradient}]", "--set",
		"attacks=[{name: random, kind: random, eps: [510]}, {name: pca, kind: upi_pca, eps: [510]}]").done(t)
	cmd := exec.Command(interpreter, "-c", crossFollows)
	cmd.Dir = r.dir()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if stdout, stderr, content := check(t, r.dir()); !content {
		t.Errorf("%s\n%s", stdout, stderr)
	}
}
