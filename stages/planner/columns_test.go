package planner

import (
	"path/filepath"
	"strings"
	"testing"

	"upi/data"
)

// write makes a shard of two black images of MNIST's size.
func write(t *testing.T, path string, classes []string) {
	t.Helper()
	w, err := data.Create(path, data.Schema{Shape: [3]int{28, 28, 1}, ClassNames: classes, TextIDs: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"a.png", "b.png"} {
		if err := w.Write(data.Image{ID: data.TextID(name), Name: name, Label: int64(i), Pixels: make([]byte, 28*28)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestColumnsOfAConfiguration: the columns that a configuration names are looked for, and are part of what a task is known by; splits
// whose class names differ are refused, since a number would stand for two classes.
func TestColumnsOfAConfiguration(t *testing.T) {
	t.Chdir("../..")
	dir := t.TempDir()
	fit, test, other := filepath.Join(dir, "fit.parquet"), filepath.Join(dir, "test.parquet"), filepath.Join(dir, "other.parquet")
	write(t, fit, []string{"x", "y"})
	write(t, test, []string{"x", "y"})
	write(t, other, []string{"y", "x"})
	text := func(columns, test string) string {
		return `
models: [{name: m, path: savedmodels/mnist_mlp}]
explanations: [{name: sg, kind: simple_gradient}]
attacks: [{name: a, kind: random, eps: [255]}]
data: {` + columns + `fit: {path: ` + fit + `}, test: {path: ` + test + `}}`
	}
	keys := map[string]string{}
	for _, columns := range []string{"", "id: none, ", "id: label, "} {
		plan, err := planOf(t, text(columns, test))
		if err != nil {
			t.Fatalf("%s: %v", columns, err)
		}
		for _, task := range plan.Tasks() {
			if task.Stage == "images" && task.Label == "fit" {
				keys[string(task.Key)] = columns
			}
		}
	}
	if len(keys) != 3 {
		t.Errorf("%d keys: %v", len(keys), keys)
	}
	for want, bad := range map[string]string{
		"name different classes": text("", other), `no column "photo"`: text("image: photo, ", test), `no column "kind"`: text("label: kind, ", test),
		`no column "file"`: text("id: file, ", test),
	} {
		if _, err := planOf(t, bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
