package test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"upi/data/table"
	"upi/internal/pythontest"
	"upi/results"
)

// check runs python/check_run.py, which shares nothing with this module, and returns what it prints, its complaints and
// whether it is content.
func check(t *testing.T, dir string, flags ...string) (stdout, stderr string, content bool) {
	t.Helper()
	cmd := exec.Command(pythontest.Interpreter(t), append([]string{"python/check_run.py", dir}, flags...)...)
	cmd.Dir = root
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), complaints.String(), err == nil
}

var compared = regexp.MustCompile(`(\d+) rows of (\d+) perturbations and (\d+) cells compared`)

// TestAgainstTensorFlow compares every score, the set of images, the choice of sign and the tables with what TensorFlow's
// own gradients give, to 1e-3.
func TestAgainstTensorFlow(t *testing.T) {
	for _, c := range []struct {
		config string
		flags  []string
		// At least so many must have been compared.
		rows, perturbations, cells int
	}{
		{"plain.yaml", []string{"--fit-signs"}, 2000, 10, 36},
		{"wide.yaml", nil, 6000, 64, 900},
	} {
		t.Run(c.config, func(t *testing.T) {
			pythontest.Interpreter(t)
			r := newRun(t, c.config).done(t)
			stdout, stderr, content := check(t, r.dir(), c.flags...)
			if !content {
				t.Fatalf("%s\n%s", stdout, stderr)
			}
			t.Log(stdout)
			found := compared.FindStringSubmatch(stdout)
			if found == nil {
				t.Fatalf("it does not say what it has compared: %s", stdout)
			}
			for i, least := range []int{c.rows, c.perturbations, c.cells} {
				if n, err := strconv.Atoi(found[i+1]); err != nil || n < least {
					t.Errorf("%s: want at least %d at number %d", found[0], least, i+1)
				}
			}
			tour(t, r.dir())
			documentedQuery(t, r.dir())
		})
	}
}

// tour executes the notebook that computes the summary of a run from its scores.
func tour(t *testing.T, dir string) {
	t.Helper()
	cells := read[results.Cell](t, filepath.Join(dir, results.TablesDir, results.SummaryTable+".parquet"))
	cmd := exec.Command(pythontest.Interpreter(t), "notebooks/execute.py", "notebooks/tour.ipynb")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "UPI_RUN="+dir, "IPYTHONDIR="+t.TempDir(), "MPLCONFIGDIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if want := fmt.Sprintf("%d numbers of the summary follow from the images", len(cells)); err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%v: the tour does not print %q:\n%s", err, want, out)
	}
}

// TestTamperedRunIsFound is the negative control: each of these changes to a run must be seen, and nothing else.
func TestTamperedRunIsFound(t *testing.T) {
	pythontest.Interpreter(t)
	r := newRun(t, "base.yaml").done(t)
	tamper(t, filepath.Join(r.dir(), results.ScoresDir, "mnist_cnn.sg.parquet"), func(rows []results.Score, metrics []string) []results.Score {
		score, changed := slices.Index(metrics, "normalized_l2"), slices.Index(metrics, "prediction_changed")
		rows[3].Metrics[score] += 2e-3
		rows[4].Metrics[changed] = 1 - rows[4].Metrics[changed]
		rows[5].Label++
		rows[7].PerturbedProbability += 2e-3
		return append(rows[:6], rows[7:]...)
	})
	tamper(t, filepath.Join(r.dir(), results.TablesDir, "summary.parquet"), func(rows []results.Cell, _ []string) []results.Cell {
		*rows[1].StdError *= 1.01
		return rows[:2]
	})
	tamper(t, filepath.Join(r.dir(), results.TablesDir, "models.parquet"), func(rows []results.Model, _ []string) []results.Model {
		rows[0].Right--
		rows[1].Saturated++
		return rows
	})
	_, stderr, content := check(t, r.dir())
	if content {
		t.Fatal("nothing was found")
	}
	for _, want := range []string{
		"image 1003: normalized_l2 is", "image 1004: prediction_changed is", "image 1005: label is", "image 1007: perturbed_probability is", "1 images missing, such as [1006]",
		"'normalized_l2'): mean is", "'cosine'): std_error is", "no cell ('random', 'mnist_cnn', 'mnist_cnn', 'sg', 'l2', 510",
		"tables/models ('mnist_cnn', 'sg', 'fit'): right is", "tables/models ('mnist_cnn', 'sg', 'test'): saturated is",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("not found: %s", want)
		}
	}
	if t.Failed() {
		t.Log(stderr)
	}
}

// tamper rewrites a table; metrics are the names of its columns of scores.
func tamper[T any](t *testing.T, path string, change func(rows []T, metrics []string) []T) {
	t.Helper()
	r, err := table.Open[T](path)
	if err != nil {
		t.Fatal(err)
	}
	o := table.Options{Columns: r.Columns()}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	rows := change(read[T](t, path), o.Columns)
	w, err := table.Create[T](path, o)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if err := errors.Join(w.Write(rows...), w.Close()); err != nil {
		t.Fatal(err)
	}
}
