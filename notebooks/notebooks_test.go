// Package notebooks_test runs the notebooks on small runs that are written as the program writes them.
package notebooks_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upi/data/table"
	"upi/internal/pythontest"
	"upi/results"
)

// execute runs a notebook and returns what it prints.
func execute(t *testing.T, notebook string, environment ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), pythontest.Interpreter(t), "execute.py", notebook)
	c.Env = append(append(os.Environ(), "IPYTHONDIR="+t.TempDir(), "MPLCONFIGDIR="+t.TempDir()), environment...)
	out, err := c.CombinedOutput()
	return string(out), err
}

func write[T any](t *testing.T, o table.Options, rows []T, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	w, err := table.Create[T](name, o)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if err := w.Write(rows...); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

const images = 12

// writeRun writes a run of one model. The value of an image is closed form, so that the table's numbers are known without the
// images: level + rise * image id + draw / 100, over ids 0 to 11; level + 5.5 rise + 0.01 on average over three draws. Without
// names an attack whose task has failed.
func writeRun(t *testing.T, dir string, rise float64, without string) {
	t.Helper()
	var perturbations []results.Perturbation
	var scores []results.Score
	var cells []results.Cell
	roles := []results.Role{results.RoleNothing, results.RoleRandom, results.RoleMethod, results.RoleMethod, results.RoleUpper}
	for i, method := range []string{"none", "random", "upi_pca", "upi_grad", "per_image"} {
		level := float64(i) / 10
		cell := results.Cell{Method: method, Kind: method, Role: roles[i], Source: "a", Target: "a", Diagonal: true, Explanation: "sg", Norm: "l2", Eps: 510,
			Metric: "normalized_l2", LeftOut: images}
		draws := 1
		switch method {
		case "none":
			cell.Eps = 0
		case "random":
			draws = 3
		}
		if method == without {
			cells = append(cells, cell)
			continue
		}
		for draw := range draws {
			p := results.Perturbation{ID: fmt.Sprintf("a.sg.%s.%d", method, draw), Method: method, Kind: method, Role: roles[i], Model: "a", Explanation: "sg",
				Score: "probability", Norm: "l2", Eps: cell.Eps, Draw: int64(draw), Sign: 1, Shape: []int32{4, 4, 1}, Delta: make([]float32, 16)}
			for k := range p.Delta {
				p.Delta[k] = float32(cell.Eps) / 4 * float32(1-2*((k>>draw)&1))
			}
			switch method {
			case "upi_pca":
				p.Sign, p.Singular = -1, []float32{3, 2, 1}
			case "upi_grad":
				p.TraceStep, p.TraceValue = []int32{0, 10}, []float32{0.1, 0.2}
			}
			if method != "per_image" {
				perturbations = append(perturbations, p)
			}
			for id := range int64(images) {
				scores = append(scores, results.Score{Perturbation: p.ID, Method: method, Kind: method, Role: roles[i], Source: "a", Norm: p.Norm, Eps: p.Eps,
					Draw: p.Draw, Model: "a", Explanation: "sg", ImageID: id, Label: id % 3, Sign: p.Sign,
					Clip: "none", Metrics: []float64{level + rise*float64(id) + float64(draw)/100, float64(id % 2)}})
			}
		}
		// The variance of the ids 0 to n-1 is n (n+1) / 12.
		mean, spread := level+rise*(images-1)/2+float64(draws-1)/200, math.Abs(rise)*math.Sqrt(images*(images+1)/12.)/math.Sqrt(images)
		cell.Images, cell.LeftOut, cell.Perturbations, cell.Mean, cell.StdError = images, 0, int64(draws), &mean, &spread
		if i > 1 {
			difference := level - 0.11
			cell.Difference, cell.Low, cell.High = &difference, &difference, &difference
		}
		cells = append(cells, cell)
	}
	write(t, table.Options{}, perturbations, dir, results.PerturbationsFile)
	write(t, table.Options{Columns: []string{"normalized_l2", "prediction_changed"}}, scores, dir, results.ScoresDir, "a.sg.parquet")
	write(t, table.Options{}, cells, dir, results.TablesDir, results.SummaryTable+".parquet")
	accuracy := 0.75
	models := []results.Model{{Model: "a", Split: results.TestSplit, Explanation: "sg", Classes: 3, Images: 16, Right: 12, Accuracy: &accuracy}}
	write(t, table.Options{}, models, dir, results.TablesDir, results.ModelsTable+".parquet")
}

func TestTour(t *testing.T) {
	dir := t.TempDir()
	writeRun(t, dir, 0.01, "upi_grad")
	out, err := execute(t, "tour.ipynb", "UPI_RUN="+dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"5 perturbations, 72 scores, 5 numbers", "4 numbers of the summary follow from the images", "0 perturbations with a trace", "0.75"} {
		if !strings.Contains(out, want) {
			t.Errorf("the tour does not print %q:\n%s", want, out)
		}
	}
}

// The tour refuses a table whose numbers do not follow from the images.
func TestTourChecksTheTable(t *testing.T) {
	dir := t.TempDir()
	writeRun(t, dir, 0.01, "")
	path := filepath.Join(dir, results.TablesDir, results.SummaryTable+".parquet")
	cells, err := table.ReadAll[results.Cell](path)
	if err != nil {
		t.Fatal(err)
	}
	*cells[2].Mean += 1e-6
	write(t, table.Options{}, cells, path)
	if out, err := execute(t, "tour.ipynb", "UPI_RUN="+dir); err == nil || !strings.Contains(out, "AssertionError") {
		t.Errorf("%v, want an AssertionError:\n%s", err, out)
	}
}

func TestNightly(t *testing.T) {
	dir := t.TempDir()
	writeRun(t, filepath.Join(dir, "night-1"), 0.01, "")
	writeRun(t, filepath.Join(dir, "night-2"), 0.01, "upi_pca")
	writeRun(t, filepath.Join(dir, "night-3"), 0.02, "upi_grad")
	out, err := execute(t, "nightly.ipynb", "UPI_RUNS="+filepath.Join(dir, "night-*"))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// none, random and per_image moved: by 0.01 * id, whose mean 0.055 is 5.29 standard errors. All nights share the
	// perturbations of three random draws; upi_pca and upi_grad are in one of the last two only.
	for _, want := range []string{
		"['night-1', 'night-2', 'night-3']", "2 numbers are missing in some night", "night-2 -> night-3: 3 of 5 rows moved, 0 are equal",
		"3 of 5 perturbations are the same, 2 are in one night only",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the comparison does not print %q:\n%s", want, out)
		}
	}
	if out, err := execute(t, "nightly.ipynb", "UPI_RUNS="+filepath.Join(dir, "nothing-*")); err == nil || !strings.Contains(out, "no finished run matches") {
		t.Errorf("%v, want the pattern that matches nothing:\n%s", err, out)
	}
}

// Notebooks are committed without what they print.
func TestNotebooksHoldNoOutputs(t *testing.T) {
	files, err := filepath.Glob("*.ipynb")
	if err != nil || len(files) != 2 {
		t.Fatalf("notebooks %v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var notebook struct {
			Cells []struct {
				Outputs        []any `json:"outputs"`
				ExecutionCount *int  `json:"execution_count"`
			} `json:"cells"`
		}
		if err := json.Unmarshal(text, &notebook); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for i, c := range notebook.Cells {
			if len(c.Outputs) > 0 || c.ExecutionCount != nil {
				t.Errorf("%s: cell %d holds outputs; clear them before you commit", file, i)
			}
		}
	}
}
