// Package interpreter runs the repository's Python scripts from tests that check what other libraries write and read.
package interpreter

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Run runs a script of the repository's folder python/ and returns what it prints. The interpreter is the one that the
// environment variable UPI_PYTHON names ("make test" sets it) or that "make deps" has set up; without one the test is
// skipped.
func Run(t testing.TB, script string, args ...string) string {
	t.Helper()
	root := repository(t)
	python := os.Getenv("UPI_PYTHON")
	if python == "" {
		python = filepath.Join(root, ".deps", "python", "bin", "python")
		if _, err := os.Stat(python); err != nil {
			t.Skipf("no Python to check against: run 'make deps', or name one in UPI_PYTHON (%v)", err)
		}
	}
	cmd := exec.CommandContext(t.Context(), python, append([]string{filepath.Join(root, "python", script)}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	// No library of the script may look for a network.
	cmd.Env = append(os.Environ(), "HF_HUB_OFFLINE=1", "HF_HOME="+t.TempDir())
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run %s %s: %v\n%s", script, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// repository is the folder of go.mod.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = parent
	}
}
