package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"upi/internal/pythontest"
)

// TestPythonPackage lets the Python package read a run, and holds what it gives against the run's files, read with pyarrow.
func TestPythonPackage(t *testing.T) {
	python := pythontest.Interpreter(t)
	r := newRun(t, "base.yaml").done(t)
	cmd := exec.Command(python, filepath.Join("test", "install", "read.py"), r.dir())
	cmd.Dir, cmd.Env = root, append(os.Environ(), "PYTHONPATH="+filepath.Join("python", "package"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
