package planner

import (
	"errors"
	"strings"
	"testing"

	"upi/pipeline/config"
	"upi/savedmodels/runtime"
)

const precisionText = `
data: {fit: {path: data/mnist/fit-*.parquet, limit: 10}, test: {path: data/mnist/test-*.parquet, limit: 10}}
models: [{name: m, path: savedmodels/mnist_mlp}]
explanations: [{name: sg, kind: simple_gradient}]
`

// keysOf are the keys of a plan by stage and label.
func keysOf(t *testing.T, text string) map[string]string {
	t.Helper()
	plan, err := planOf(t, precisionText+text)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	for _, task := range plan.Tasks() {
		keys[task.Stage+" "+task.Label] = string(task.Key)
	}
	return keys
}

// TestPrecisionInKeys: float32 is in no key, whoever asks for it; bfloat16 is in those of what it changes, and in no other.
func TestPrecisionInKeys(t *testing.T) {
	t.Chdir("../..")
	if _, err := runtime.Bfloat16Units(runtime.Device{}); err != nil {
		t.Skip(err)
	}
	attacks := func(precision string) string {
		return `attacks: [{name: random, kind: random, eps: [255]}, {name: pca, kind: upi_pca, eps: [255]` + precision +
			`}, {name: grad, kind: upi_grad, eps: [255], steps: 1` + precision + `}, {name: each, kind: per_image, eps: [255], steps: 1` + precision + `}]`
	}
	plain := keysOf(t, attacks(""))
	for name, text := range map[string]string{
		"float32 of the run":                      "precision: float32\n" + attacks(""),
		"float32 of the attacks, against the run": "precision: bfloat16\n" + attacks(", precision: float32"),
	} {
		for task, key := range keysOf(t, text) {
			if plain[task] != key {
				t.Errorf("%s: %s has another key", name, task)
			}
		}
	}
	for name, text := range map[string]string{
		"bfloat16 of the run": "precision: bfloat16\n" + attacks(""), "bfloat16 of the attacks": attacks(", precision: bfloat16"),
	} {
		for task, key := range keysOf(t, text) {
			stage, label, _ := strings.Cut(task, " ")
			same := stage == "images" || stage == "reference" || stage == "diagnosis" || strings.Contains(label, ".random.")
			if same != (plain[task] == key) {
				t.Errorf("%s: %s has the same key: %v", name, task, !same)
			}
		}
	}
}

// TestPrecisionRefused names the settings that the device or the run do not allow. An attack that looks at no image takes any.
func TestPrecisionRefused(t *testing.T) {
	t.Chdir("../..")
	for text, want := range map[string]string{
		"precision: bfloat16\ndeterministic: true\nattacks: [{name: a, kind: upi_pca, eps: [255]}]":                     "precision = bfloat16: its kernels are oneDNN's",
		"deterministic: true\nattacks: [{name: a, kind: upi_pca, eps: [255], precision: bfloat16}]":                     "attacks[0].precision (a) = bfloat16: its kernels",
		"precision: bfloat16\ndeterministic: true\nattacks: [{name: a, kind: random, eps: [255]}]":                      "",
		"precision: bfloat16\ndeterministic: true\nattacks: [{name: a, kind: upi_pca, eps: [255], precision: float32}]": "",
	} {
		_, err := planOf(t, precisionText+text)
		if want == "" {
			if err != nil {
				t.Errorf("%s\n%v", text, err)
			}
			continue
		}
		var usage *config.Error
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n%v, want %q", text, err, want)
		}
	}
	c := config.Default()
	if err := CheckPrecision(c, runtime.Device{GPU: true}); err != nil {
		t.Errorf("float32 on a GPU: %v", err)
	}
}
