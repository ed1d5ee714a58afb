package beam

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestScalingTables: the tables of a large run in docs/cluster.md are those that python/scaling.py makes of the measured costs.
func TestScalingTables(t *testing.T) {
	const doc = "../docs/cluster.md"
	want, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	python := os.Getenv("UPI_PYTHON")
	if python == "" {
		python = "python3" // it needs no package
	}
	path := filepath.Join(t.TempDir(), "cluster.md")
	if err := os.WriteFile(path, want, 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(python, "../python/scaling.py", "table", "scaling.json", path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what python/scaling.py makes of beam/scaling.json: run python3 python/scaling.py table beam/scaling.json docs/cluster.md", doc)
	}
}
