package planner

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"upi/pipeline"
	"upi/pipeline/content"
	"upi/stages"
)

// TestPlanRemembersModels: the second plan opens no model: it believes a note that has been changed by hand.
func TestPlanRemembersModels(t *testing.T) {
	t.Chdir("../..")
	hashes := t.TempDir()
	classes := func() int64 {
		t.Helper()
		p, err := plannerOf(t, `
data: {fit: {path: data/mnist/fit-*.parquet}, test: {path: data/mnist/test-*.parquet}}
models: [{name: m, path: savedmodels/mnist_mlp}]
explanations: [{name: sg, kind: simple_gradient}]
attacks: [{name: a, kind: upi_pca, eps: [255]}]
`)
		if err != nil {
			t.Fatal(err)
		}
		plan := pipeline.NewPlan(p.Environment(), content.NewHasher(hashes))
		if err := p.Plan(plan); err != nil {
			t.Fatal(err)
		}
		tasks := plan.Tasks()
		var spec stages.TablesSpec
		if err := json.Unmarshal(tasks[len(tasks)-1].Spec, &spec); err != nil {
			t.Fatal(err)
		}
		return spec.Models[0].Classes
	}
	if got := classes(); got != 10 {
		t.Fatalf("%d classes, want 10", got)
	}
	files, err := filepath.Glob(filepath.Join(hashes, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, bytes.Replace(text, []byte(`"classes":10`), []byte(`"classes":11`), 1), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if got := classes(); got != 11 {
		t.Errorf("%d classes: the model was opened again", got)
	}
}
