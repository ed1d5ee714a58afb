package planner

import (
	"strings"
	"testing"

	"upi/pipeline"
)

// TestPlanBaselines: an explanation that takes baselines has a task that draws them, from the whole fit split of each model, whatever part
// of it attacks look at; the tasks of other explanations are what they are without it.
func TestPlanBaselines(t *testing.T) {
	t.Chdir("../..")
	plan := func(explanations string) *pipeline.Plan {
		t.Helper()
		p, err := planOf(t, `
data: {fit: {path: data/mnist/fit-*.parquet}, test: {path: data/mnist/test-*.parquet}}
models: [{name: m, path: savedmodels/mnist_mlp}, {name: n, path: savedmodels/mnist_cnn}]
explanations: [`+explanations+`]
attacks: [{name: a, kind: upi_grad, eps: [255], steps: 1, fit_images: 100}, {name: b, kind: upi_pca, eps: [255]}]
evaluation: {cross_explanations: true}
`)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	with := plan("{name: sg, kind: simple_gradient}, {name: eg, kind: expected_gradients, baseline_images: 7}")
	var baselines []*pipeline.Task
	readers := map[string]int{}
	for _, task := range with.Tasks() {
		if task.Stage == "baselines" {
			baselines = append(baselines, task)
		}
		for _, parent := range task.Parents {
			if parent.Stage == "baselines" {
				readers[task.Stage]++
			}
		}
	}
	// Both models have the same images: they share the task.
	if len(baselines) != 1 || len(baselines[0].Parents) != 2 {
		t.Errorf("%d tasks draw baselines, want one, of the 2 shards", len(baselines))
	}
	for _, stage := range []string{"reference", "gradients", "fit", "sign", "evaluate", "examples"} {
		if readers[stage] == 0 {
			t.Errorf("no task of the stage %s reads baselines", stage)
		}
	}
	keys := map[pipeline.Key]bool{}
	for _, task := range with.Tasks() {
		keys[task.Key] = true
	}
	for _, task := range plan("{name: sg, kind: simple_gradient}").Tasks() {
		if !keys[task.Key] && task.Stage != "tables" {
			t.Errorf("the task %s %s has another key beside expected_gradients", task.Stage, task.Label)
		}
	}
}

// TestPlanLayer: the model's layer is that of grad_cam where the explanation names none, and changes no other explanation.
func TestPlanLayer(t *testing.T) {
	t.Chdir("../..")
	references := func(layer, explanation string) string {
		t.Helper()
		plan, err := planOf(t, `
data: {fit: {path: data/mnist/fit-*.parquet}, test: {path: data/mnist/test-*.parquet}}
models: [{name: m, path: savedmodels/mnist_cnn`+layer+`}]
explanations: [`+explanation+`]
attacks: [{name: a, kind: random, eps: [255]}]
`)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, task := range plan.Tasks() {
			if task.Stage == "reference" {
				keys = append(keys, string(task.Key))
			}
		}
		return strings.Join(keys, " ")
	}
	const cam, named, other = "{name: e, kind: grad_cam}", "{name: e, kind: grad_cam, layer: conv2d_1_2}", "{name: e, kind: guided_backprop}"
	if of := references(", layer: conv2d_1_2", cam); of != references("", named) || of == references("", cam) {
		t.Error("the model's layer is not that of the explanation")
	}
	if references(", layer: conv2d_1_2", other) != references("", other) {
		t.Error("the model's layer changes another explanation")
	}
	_, err := planOf(t, `
data: {fit: {path: data/mnist/fit-*.parquet}, test: {path: data/mnist/test-*.parquet}}
models: [{name: m, path: savedmodels/mnist_mlp}]
explanations: [{name: sg, kind: simple_gradient}, {name: cam, kind: grad_cam}]
attacks: [{name: a, kind: random, eps: [255]}]
`)
	if want := "model m, explanation cam: grad_cam: "; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}
