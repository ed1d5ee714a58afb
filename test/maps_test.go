package test

import (
	"os/exec"
	"testing"

	"upi/internal/pythontest"
)

// mapsGiveScores computes normalized_l2 and cosine with numpy from the maps that a run keeps, as docs/outputs.md reads them.
const mapsGiveScores = `
import glob, json, os
import numpy as np, pandas as pd, pyarrow.parquet as pq
scores = pd.concat([pd.read_parquet(f) for f in glob.glob("scores/*.parquet")])
compared = 0
for path in glob.glob("maps/*.parquet"):
    t = pq.read_table(path)
    h, w = json.loads(t.schema.metadata[b"upi.shape"])
    assert set(json.loads(t.schema.metadata[b"upi.columns"])) == set(t.column_names)
    read = lambda name: np.stack([np.frombuffer(m, "<f2").astype("f8").reshape(h, w) for m in t[name].to_pylist()]) * np.array(t[name + "_scale"])[:, None, None]
    clean, perturbed = read("clean"), read("perturbed")
    assert np.abs(clean.sum((1, 2)) - 1).max() < 1e-3 and np.abs(perturbed.sum((1, 2)) - 1).max() < 1e-3
    norm = lambda x: np.sqrt((x * x).sum((1, 2)))
    got = pd.DataFrame({"l2": norm(clean - perturbed) / norm(clean), "cos": (clean * perturbed).sum((1, 2)) / norm(clean) / norm(perturbed)}, index=t["image_id"].to_pylist())
    name = os.path.basename(path).removesuffix(".parquet")
    rows = scores[scores.perturbation + "." + scores.target == name].set_index("image_id").dropna(subset=["normalized_l2"])
    assert len(rows) == len(got) > 0, (name, len(rows), len(got))
    assert np.abs(got.l2 - rows.normalized_l2).max() < 1e-3 and np.abs(got.cos - rows.cosine).max() < 1e-3, name
    compared += 1
assert compared == scores[["perturbation", "target"]].drop_duplicates().shape[0] > 1
print(compared, "files compared")
`

// TestKeptMaps: the maps that a run keeps are those that it has scored.
func TestKeptMaps(t *testing.T) {
	interpreter := pythontest.Interpreter(t)
	r := newRun(t, "base.yaml", "--set", "evaluation.maps=true").done(t)
	cmd := exec.Command(interpreter, "-c", mapsGiveScores)
	cmd.Dir = r.dir()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
