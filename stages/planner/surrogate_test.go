package planner

import (
	"encoding/json"
	"strings"
	"testing"

	"upi/pipeline"
	"upi/stages"
)

// planned is a task with its spec.
type planned[T any] struct {
	*pipeline.Task
	spec T
}

// plannedOf are the tasks of a stage, in the order of the plan.
func plannedOf[T any](t *testing.T, plan *pipeline.Plan, stage string) (all []planned[T]) {
	t.Helper()
	for _, task := range plan.Tasks() {
		if task.Stage != stage {
			continue
		}
		var spec T
		if err := json.Unmarshal(task.Spec, &spec); err != nil {
			t.Fatal(err)
		}
		all = append(all, planned[T]{task, spec})
	}
	return all
}

// TestPlanOfSurrogates: an ascent through a surrogate measures distances from the surrogate's clean maps, or from the network's own if beta
// changes, and compares its iterates on the network itself. A network without rectifiers beside one with them is attacked as it is.
func TestPlanOfSurrogates(t *testing.T) {
	t.Chdir("../..")
	plan, err := planOf(t, `
data: {fit: {path: data/cifar10/fit-*.parquet, limit: 20}, test: {path: data/cifar10/test-*.parquet, limit: 20}}
models: [{name: vgg, path: savedmodels/cifar10_vgg}, {name: vit, path: savedmodels/cifar10_vit}]
explanations: [{name: sg, kind: simple_gradient}]
attacks:
  - {name: plain, kind: upi_grad, eps: [255], steps: 1}
  - {name: constant, kind: upi_grad, eps: [255], steps: 1, surrogate: {beta: 30}}
  - {name: course, kind: upi_grad, eps: [255], steps: 1, surrogate: {beta: 5, beta_to: 100}}
  - {name: each, kind: per_image, eps: [255], surrogate: {beta: 30}}
  - {name: pca, kind: upi_pca, eps: [255], surrogate: {beta: 30}}
`)
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]pipeline.Key{} // of the clean maps of the networks themselves
	for i, task := range plannedOf[stages.FitSpec](t, plan, "fit")[:6] {
		source := task.spec.Sources[0]
		name := []string{"plain vgg", "plain vit", "constant vgg", "constant vit", "course vgg", "course vit"}[i]
		network := name[strings.Index(name, " "):]
		// The parents are the images and clean maps of what is climbed, and then of what iterates are compared on.
		maps := task.Parents[1].Key
		if i < 2 {
			own[network] = maps
		}
		soft := i == 2 || i == 4
		if (source.Source.Surrogate != nil) != soft || len(source.Scored) > 0 != soft || len(task.Parents) > 2 != soft {
			t.Errorf("%s: surrogate %v, compared on %v, parents %v", name, source.Source.Surrogate, source.Scored, task.Parents)
		}
		if fromOwn := maps == own[network]; fromOwn != (i != 2) {
			t.Errorf("%s: distances are from the network's own maps: %v", name, fromOwn)
		}
		if soft && task.Parents[3].Key != own[network] {
			t.Errorf("%s is not compared on the network itself", name)
		}
	}
	for i, task := range plannedOf[stages.PerImageSpec](t, plan, "per_image") {
		spec := task.spec
		if soft := i == 0; (spec.Source.Surrogate != nil) != soft || (spec.Scored != nil) != soft {
			t.Errorf("network %d of the attack per image: surrogate %v, compared on %v", i, spec.Source.Surrogate, spec.Scored)
		}
	}
	for i, task := range plannedOf[stages.GradientsSpec](t, plan, "gradients") {
		if soft := i == 0; (task.spec.Source.Surrogate != nil) != soft {
			t.Errorf("network %d of the rows: surrogate %v", i, task.spec.Source.Surrogate)
		}
	}
}

// TestKeysStay: settings that are not given are in no key, so that what was computed before they existed is still there.
func TestKeysStay(t *testing.T) {
	t.Chdir("../..")
	plan, err := planOf(t, `
data: {fit: {path: data/mnist/fit-*.parquet, limit: 20}, test: {path: data/mnist/test-*.parquet, limit: 20}}
models: [{name: m, path: savedmodels/mnist_mlp}]
explanations: [{name: sg, kind: simple_gradient}]
attacks:
  - {name: a, kind: upi_grad, eps: [255]}
  - {name: b, kind: sgd_uap, eps: [255]}
  - {name: c, kind: per_image, eps: [255]}
  - {name: d, kind: upi_pca, eps: [255], surrogate: {beta: 30}}
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range plan.Tasks() {
		if task.Stage == "direction" || task.Stage == "images" {
			continue // whose rows are others, and have always been there
		}
		for _, key := range []string{"restarts", "rows", "beta_to", "scored", "refine", "at"} {
			if strings.Contains(string(task.Spec), `"`+key+`":`) && task.Label != "m.sg.d.l2-255.s0" {
				t.Errorf("%s %s: %q is in the key: %s", task.Stage, task.Label, key, task.Spec)
			}
		}
	}
}
