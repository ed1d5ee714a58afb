package report_test

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upi/data/table"
	"upi/results"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// writeRows puts a Parquet file below a run's directory.
func writeRows[T any](t *testing.T, path string, rows []T) {
	t.Helper()
	writeTable(t, path, table.Options{}, rows)
}

func writeTable[T any](t *testing.T, path string, o table.Options, rows []T) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	w, err := table.Create[T](path, o)
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

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func ptr(v float64) *float64 { return &v }

// roleOf are the roles of the attacks of the tests, which bear the names of their kinds.
var roleOf = map[string]results.Role{"none": results.RoleNothing, "random": results.RoleRandom, "upi_pca": results.RoleMethod,
	"upi_grad": results.RoleMethod, "per_image": results.RoleUpper}

// mean makes a cell of a perturbation fitted on the models source (joined by "+") and scored on target.
func mean(method, source, target string, eps float64, metric string, value float64) results.Cell {
	c := results.Cell{Method: method, Kind: method, Role: roleOf[method], Source: source, Target: target, Explanation: "sg", Norm: "l2", Eps: eps,
		Diagonal: strings.Contains("+"+source+"+", "+"+target+"+"), Metric: metric, Images: 98, LeftOut: 2, Perturbations: 1,
		Mean: ptr(value), StdError: ptr(math.Abs(value) / 100)}
	if method == "random" {
		c.Perturbations, c.SeedStdDev = 3, ptr(0.004)
	}
	return c
}

// against adds a difference to random.
func against(c results.Cell, difference float64) results.Cell {
	c.Difference, c.Low, c.High = ptr(difference), ptr(difference-0.01), ptr(difference+0.01)
	return c
}

const smallConfig = `
name: small
models:
  - {name: a, path: models/a}
  - {name: b, path: models/b}
explanations:
  - {name: sg, kind: simple_gradient}
attacks:
  - {name: upi_grad, kind: upi_grad, norm: l2, eps: [255, 510]}
  - {name: none, kind: none}
  - {name: random, kind: random, norm: l2, eps: [255, 510]}
  - {name: per_image, kind: per_image, norm: l2, eps: [510]}
evaluation: {sign: fit, clip: none, filter: correct, metrics: [normalized_l2, cosine], transfer: true}
`

const smallManifest = `{
  "format": 2, "run": "small", "status": "partial", "error": "1 of 9 tasks failed",
  "started": "2026-11-22T10:00:00Z", "seconds": 61.5, "host": "box", "versions": {"upi": "0.1", "tensorflow": "2.18.1"},
  "device": "cpu", "seeds": [0],
  "inputs": [{"role": "model", "path": "/data/models/a", "size": 1000, "sha256": "00ff"}],
  "stages": [
    {"stage": "reference", "tasks": 4, "done": 4, "seconds": 3, "images_per_second": 66.7,
     "warnings": [{"code": "clean map has a norm of zero", "count": 2, "examples": ["image 17", "image 3"]}]},
    {"stage": "fit", "tasks": 5, "done": 4, "failed": 1, "seconds": 50},
    {"stage": "evaluate", "tasks": 8, "done": 8, "seconds": 5, "counts": {"images": 784, "images_left_out": 16, "misclassified": 14}}
  ],
  "specs": [{}],
  "tasks": [{"stage": "fit", "label": "b.sg.upi_grad.l2-510.s0", "spec": 0, "status": "failed", "error": "every gradient is zero"}]
}`

// budgets are those of the attacks of smallConfig, in its order.
var budgets = []struct {
	method string
	eps    []float64
}{{"upi_grad", []float64{255, 510}}, {"none", []float64{0}}, {"random", []float64{255, 510}}, {"per_image", []float64{510}}}

// asked lists the cells that a run of smallConfig writes to a table of these metrics: the given ones, and of no images those that it
// could not compute. On decides which sources and targets the table has.
func asked(given []results.Cell, metrics []string, on func(method, source, target string) bool) []results.Cell {
	var cells []results.Cell
	for _, attack := range budgets {
		for _, source := range []string{"a", "b"} {
			for _, eps := range attack.eps {
				for _, target := range []string{"a", "b"} {
					if !on(attack.method, source, target) {
						continue
					}
					for _, metric := range metrics {
						c := mean(attack.method, source, target, eps, metric, 0)
						c.Images, c.LeftOut, c.Perturbations, c.Mean, c.StdError, c.SeedStdDev = 0, 100, 0, nil, nil, nil
						for _, g := range given {
							if g.Method == c.Method && g.Source == source && g.Target == target && g.Eps == eps && g.Metric == metric {
								c = g
							}
						}
						cells = append(cells, c)
					}
				}
			}
		}
	}
	return cells
}

func diagonal(_, source, target string) bool { return source == target }

// smallRun is a run of two models in which upi_grad at eps 510 failed on b, upi_grad at eps 255 has no image left on b, and much of
// the rest is missing too.
func smallRun(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeText(t, filepath.Join(dir, "config.yaml"), smallConfig)
	writeText(t, filepath.Join(dir, "manifest.json"), smallManifest)
	fewer := mean("upi_grad", "a", "a", 510, "cosine", 0.55)
	fewer.Images, fewer.LeftOut = 90, 10
	metrics := []string{"normalized_l2", "cosine"}
	summary := []results.Cell{
		fewer,
		against(mean("upi_grad", "a", "a", 510, "normalized_l2", 0.8), 0.27),
		against(mean("upi_grad", "a", "a", 255, "normalized_l2", 0.6), 0.16),
		mean("upi_grad", "a", "a", 255, "cosine", 0.75),
		mean("random", "a", "a", 510, "normalized_l2", 0.53),
		mean("random", "a", "a", 510, "cosine", 0.8),
		mean("random", "a", "a", 255, "normalized_l2", 0.44),
		mean("random", "a", "a", 255, "cosine", 0.85),
		mean("none", "a", "a", 0, "normalized_l2", 0),
		mean("none", "a", "a", 0, "cosine", 1),
		against(mean("per_image", "a", "a", 510, "normalized_l2", 1.234), 0.7),
		mean("per_image", "a", "a", 510, "cosine", -0.01),
		mean("random", "b", "b", 255, "normalized_l2", 0.0001),
		mean("random", "b", "b", 510, "normalized_l2", 0.5),
		mean("none", "b", "b", 0, "normalized_l2", math.NaN()),
	}
	var transfer []results.Cell
	for _, c := range summary {
		if c.Kind == "per_image" || c.Metric != "normalized_l2" {
			continue
		}
		transfer = append(transfer, c)
		c.Target = map[string]string{"a": "b", "b": "a"}[c.Source]
		c.Diagonal, c.Mean = false, ptr(*c.Mean/2)
		transfer = append(transfer, c)
	}
	// Of the perturbations per image only those of a were found.
	var compared []results.Cell
	for _, method := range []string{"random", "upi_grad"} {
		for _, metric := range metrics {
			c := against(mean(method, "a", "a", 510, metric, 0), -0.3)
			c.Mean, c.StdError, c.SeedStdDev = nil, nil, nil
			compared = append(compared, c)
		}
	}
	compared[3].Images, compared[3].LeftOut = 90, 10
	compared = slices.DeleteFunc(asked(compared, metrics, func(method, source, target string) bool {
		return source == target && (method == "random" || method == "upi_grad")
	}), func(c results.Cell) bool { return c.Eps != 510 })
	var signs []results.Cell
	signMetrics := []string{"fit_plus", "fit_minus", "fit_difference"}
	for _, metric := range signMetrics {
		signs = append(signs, mean("upi_grad", "a", "a", 255, metric, 0.5))
	}
	signs = asked(signs, signMetrics, func(method, source, target string) bool {
		return source == target && (method == "random" || method == "upi_grad")
	})
	warned := table.Options{Metadata: map[string]string{
		results.WarningsKey: `["Warning: the sign of a.sg.upi_grad.l2-255.s0 rests on 7 images."]`,
	}}
	tables := filepath.Join(dir, results.TablesDir)
	writeTable(t, filepath.Join(tables, "summary.parquet"), warned, asked(summary, metrics, diagonal))
	writeTable(t, filepath.Join(tables, "sign.parquet"), warned, signs)
	writeRows(t, filepath.Join(tables, "transfer.parquet"), asked(transfer, metrics, func(method, source, target string) bool {
		return source == target || method != "per_image"
	}))
	writeRows(t, filepath.Join(tables, "against_per_image.parquet"), compared)
	return dir
}

// checkGolden compares what a run of the program gave with a file of testdata.
func checkGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		writeText(t, path, string(got))
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: make it with go test ./report -update", err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs; if that is right, go test ./report -update.\n--- got\n%s\n--- want\n%s", name, got, want)
	}
}
