package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upi/data/table"
	"upi/report"
	"upi/results"
)

// modelsRun is a run with a table of models: one whose fit images are partly missing, one whose test images are.
func modelsRun(t *testing.T) string {
	t.Helper()
	dir := smallRun(t)
	rows := []results.Model{
		{Model: "a|", Split: "fit", Explanation: "sg", Classes: 10, Images: 300, Right: 295, Accuracy: ptr(295. / 300), StdError: ptr(0.0074), Commonest: ptr(0.113), Uniform: 0.1},
		{Model: "a|", Split: "test", Explanation: "sg", Classes: 10, Images: 100, Right: 12, Accuracy: ptr(0.12), StdError: ptr(0.0327), Commonest: ptr(0.14), Uniform: 0.1, Saturated: 90, NoMap: 88, NotFinite: 1},
		{Model: "b", Split: "test", Explanation: "sg", Classes: 10, Missing: 100, Uniform: 0.1},
	}
	path := filepath.Join(dir, results.TablesDir, results.ModelsTable+".parquet")
	w, err := table.Create[results.Model](path, table.Options{Metadata: map[string]string{results.WarningsKey: `["Warning: of a|."]`}})
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
	return dir
}

func TestModels(t *testing.T) {
	dir := modelsRun(t)
	if err := report.Build(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"models.md", "models.tex", "models.csv"} {
		got, err := os.ReadFile(filepath.Join(dir, results.TablesDir, name))
		if err != nil {
			t.Fatal(err)
		}
		checkGolden(t, name, got)
	}
	var summary bytes.Buffer
	if err := report.Summary(&summary, dir, report.TerminalWidth); err != nil {
		t.Fatal(err)
	}
	if text := summary.String(); !strings.HasPrefix(text, "Models on clean images\n") || !strings.Contains(text, "\nPerturbations on the models") {
		t.Errorf("the summary does not begin with the models:\n%s", text)
	}
	page, err := os.ReadFile(filepath.Join(dir, results.ReportFile))
	if err != nil {
		t.Fatal(err)
	}
	first, models := bytes.Index(page, []byte(`<section id="findings">`)), bytes.Index(page, []byte(`<section id="models">`))
	if models < 0 || first > models || !bytes.Contains(page, []byte("98.3 % ± 0.7")) || !bytes.Contains(page, []byte("Warning: of a|.")) {
		t.Error("the page does not begin with what came out and the models")
	}
}
