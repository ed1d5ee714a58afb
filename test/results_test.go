package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upi/internal/pythontest"
)

// gathered runs python/results.py on a folder of results, and returns what it said.
func gathered(t *testing.T, runs, folder string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(pythontest.Interpreter(t), append([]string{"python/results.py", runs, folder}, args...)...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestPagesOfResults: the pages of docs/results are what its tables give, and a number that is typed into one is found.
func TestPagesOfResults(t *testing.T) {
	if out, err := gathered(t, "no-runs", "docs/results", "--check"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(root, "docs/results"))); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(folder, "README.md")
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(page, append(content, "0.999\n"...), 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := gathered(t, "no-runs", folder, "--check"); err == nil || !strings.Contains(out, page+": not what the tables give") {
		t.Errorf("a page with a number more: %v\n%s", err, out)
	}
}

// TestWrongClaims: a template that asks for what is no number of the tables is an error that names the line, and not another number.
func TestWrongClaims(t *testing.T) {
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(root, "docs/results"))); err != nil {
		t.Fatal(err)
	}
	const cell = " strong/mnist_sg mnist_cnn 510 upi_grad}}"
	for claim, want := range map[string]string{
		"{{share" + cell:                                  "share is none of",
		"{{changed:cosine" + cell:                         "changed:cosine is none of",
		"{{lead:nobody" + cell:                            "no differences to nobody",
		"{{gain:random" + cell:                            "gain:random is none of",
		"{{mean:beauty" + cell:                            "no metric beauty",
		"{{mean strong/mnist_sg mnist_cnn 511 upi_grad}}": "0 cells",
	} {
		if err := os.WriteFile(filepath.Join(folder, "README.md.in"), []byte("# Claims\n\nIt is "+claim+".\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		if out, err := gathered(t, "no-runs", folder); err == nil || !strings.Contains(out, "README.md.in, line 3: ") || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", claim, err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "README.md.in"), []byte("It is [so](tables.md#nowhere).\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := gathered(t, "no-runs", folder); err == nil || !strings.Contains(out, "README.md: tables.md has no nowhere") {
		t.Errorf("a link to a row that is not there: %v\n%s", err, out)
	}
}

// TestChangedResults: a run of another version of the program replaces the one in the results, whose cells that moved and whose verdicts
// that turned over are named. The older tables here are the newer ones with one mean and one interval moved by hand.
func TestChangedResults(t *testing.T) {
	const edit = `
import json, sys
import pandas as pd
run = sys.argv[1]
cells = pd.read_parquet(run + "/tables/summary.parquet")
at = (cells.metric == "normalized_l2") & (cells.method == "upi_grad") & (cells.source == "mnist_cnn") & (cells.eps == 510)
assert at.sum() == 1
cells.loc[at, "mean"] = 0.7
cells.loc[at, ["low", "high"]] = [-0.01, 0.02]
cells.to_parquet(run + "/tables/summary.parquet")
provenance = json.load(open(run + "/provenance.json"))
provenance["versions"]["upi"] = "v0.older"
provenance["finished"] = "2026-11-01T00:00:00Z"
json.dump(provenance, open(run + "/provenance.json", "w"))
`
	folder, runs := t.TempDir(), t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(root, "docs/results"))); err != nil {
		t.Fatal(err)
	}
	older, newer := filepath.Join(folder, "paper/mnist_sg"), filepath.Join(runs, "paper/mnist_sg")
	if err := os.CopyFS(newer, os.DirFS(older)); err != nil {
		t.Fatal(err)
	}
	provenance, err := os.ReadFile(filepath.Join(newer, "provenance.json"))
	if err != nil {
		t.Fatal(err)
	}
	manifest := strings.Replace(string(provenance), "{", `{"status": "done", "tasks": [{"seconds": 30}, {"seconds": 60}],`, 1)
	if out, err := exec.Command(pythontest.Interpreter(t), "-c", edit, older).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// What was before stays where the run replaces itself, and where a newer program gives the same numbers.
	newest := strings.Replace(manifest, `"upi": "v0.0.0`, `"upi": "v0.newest`, 1)
	if newest == manifest {
		t.Fatalf("no version of the program in\n%s", manifest)
	}
	changed := func(manifest string) string {
		if err := os.WriteFile(filepath.Join(newer, "manifest.json"), []byte(manifest), 0o666); err != nil {
			t.Fatal(err)
		}
		if out, err := gathered(t, runs, folder); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		page, err := os.ReadFile(filepath.Join(folder, "changed.md"))
		if err != nil {
			t.Fatal(err)
		}
		return string(page)
	}
	changed(manifest)
	changed(manifest)
	page := changed(newest)
	for _, want := range []string{
		"| paper/mnist_sg | mnist_cnn | sg | l2 510 | upi_grad | random | around (-0.010, +0.020) | above (",
		"| paper/mnist_sg | mnist_cnn | sg | l2 510 | upi_grad | 0.700 ± ",
		"| paper/mnist_sg | v0.older, 2026-11-01 | v0.newest",
	} {
		if strings.Count(page, want) != 1 {
			t.Errorf("not once in the page: %q\n%s", want, page)
		}
	}
	// A run of other settings is another experiment.
	config, err := os.ReadFile(filepath.Join(newer, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(config), "steps: 60", "surrogate: {beta: 30}\n    steps: 60", 1)
	if other == string(config) {
		t.Fatalf("no steps in\n%s", config)
	}
	if err := os.WriteFile(filepath.Join(newer, "config.yaml"), []byte(other), 0o666); err != nil {
		t.Fatal(err)
	}
	if page := changed(newest); strings.Contains(page, "| paper/mnist_sg |") || !strings.Contains(page, "no older tables were kept: paper/mnist_sg") {
		t.Errorf("compared with an experiment of other settings:\n%s", page)
	}
}
