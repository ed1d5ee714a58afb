// Package pythontest finds Python for the tests that check numbers and files against other libraries, and runs the repository's scripts.
package pythontest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// variable names an interpreter; "make test" sets it.
const variable = "UPI_PYTHON"

// Interpreter returns the path of the Python that has the packages of python/requirements.txt: the one that the environment variable
// UPI_PYTHON names, or else the one that "make deps" has set up. Without one the test is skipped.
func Interpreter(t testing.TB) string {
	t.Helper()
	if python := os.Getenv(variable); python != "" {
		python, err := filepath.Abs(python)
		if err == nil {
			_, err = os.Stat(python)
		}
		if err != nil {
			t.Fatalf("%s names no Python: %v", variable, err)
		}
		return python
	}
	python := filepath.Join(repository(t), ".deps", "python", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		t.Skipf("no Python to check against: run 'make deps', or name one in %s (%v)", variable, err)
	}
	return python
}

// Run runs a script of the repository's folder python/ and returns what it prints.
func Run(t testing.TB, script string, args ...string) string {
	t.Helper()
	script = filepath.Join(repository(t), "python", script)
	cmd := exec.CommandContext(t.Context(), Interpreter(t), append([]string{script}, args...)...)
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
