// Package test runs the command from end to end: on real images and networks, against an independent program, under changes
// that must not change a number, and under kills.
package test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"upi/data/table"
	"upi/results"
	"upi/test/internal/command"
)

// root is the repository's: relative paths in configurations begin there.
const root = ".."

// upi is the built command.
var upi string

func TestMain(m *testing.M) { os.Exit(command.Main(m, &upi)) }

// A run is a configuration of testdata with an output and a cache of its own.
type run struct {
	config        string
	output, cache string
	flags         []string
}

func newRun(t *testing.T, config string, flags ...string) run {
	t.Helper()
	if err := command.Look(root); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return run{config, filepath.Join(dir, "runs"), filepath.Join(dir, "cache"), flags}
}

// command returns the command, not started.
func (r run) command() *exec.Cmd {
	args := append([]string{"run", filepath.Join("test", "testdata", r.config), "--set", "name=run",
		"--set", "output=" + r.output, "--set", "cache=" + r.cache}, r.flags...)
	cmd := exec.Command(upi, args...)
	cmd.Dir = root
	return cmd
}

// done runs the command to its end.
func (r run) done(t *testing.T) run {
	t.Helper()
	cmd := r.command()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, stderr.Bytes())
	}
	return r
}

func (r run) dir() string { return filepath.Join(r.output, "run") }

func (r run) perturbations(t *testing.T) []results.Perturbation {
	t.Helper()
	return read[results.Perturbation](t, filepath.Join(r.dir(), results.PerturbationsFile))
}

// scores returns the rows of all targets and explanations, in the order of the files' names.
func (r run) scores(t *testing.T) []results.Score {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(r.dir(), results.ScoresDir, "*.parquet"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scores in %s: %v", r.dir(), err)
	}
	var rows []results.Score
	for _, path := range paths {
		rows = append(rows, read[results.Score](t, path)...)
	}
	return rows
}

func read[T any](t *testing.T, path string) []T {
	t.Helper()
	rows, err := table.ReadAll[T](path)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
