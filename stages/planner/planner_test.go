package planner

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upi/pipeline"
	"upi/pipeline/config"
	"upi/stages"
)

// TestPlanSharesAndSplits counts the tasks of each stage for attacks on one network and 2 shards of fit and test images.
func TestPlanSharesAndSplits(t *testing.T) {
	t.Chdir("../..")
	for name, c := range map[string]struct {
		attacks string
		want    map[string]int
	}{
		"budgets of one smoothing share gradients and direction": {
			`{name: a, kind: upi_pca, eps: [255, 510, 1020], smoothing: {radius: 100}}`,
			map[string]int{"images": 4, "reference": 4, "gradients": 2, "direction": 1, "fit": 3, "sign": 3, "evaluate": 6},
		},
		"smoothing by eps has a direction for each": {
			`{name: a, kind: upi_pca, eps: [255, 510]}`,
			map[string]int{"images": 4, "reference": 4, "gradients": 4, "direction": 2, "fit": 2, "sign": 2, "evaluate": 4},
		},
		"raw and unit rows share gradients": {
			`{name: a, kind: upi_pca, eps: [255]}, {name: b, kind: upi_pca, eps: [255], rows: unit}`,
			map[string]int{"images": 4, "reference": 4, "gradients": 2, "direction": 2, "fit": 2, "sign": 2, "evaluate": 4},
		},
		"refining takes rows for each direction but the last, and shares all with one that goes further and one that does not": {
			`{name: a, kind: upi_pca, eps: [255], refine: 1}, {name: b, kind: upi_pca, eps: [255], refine: 3}, {name: c, kind: upi_pca, eps: [255]}`,
			map[string]int{"images": 4, "reference": 4, "gradients": 8, "direction": 4, "fit": 6, "sign": 6, "evaluate": 6},
		},
		"seeds of one attack": {
			`{name: a, kind: random, eps: [255], draws: 1}, {name: b, kind: random, eps: [510], draws: 1, seeds: [3, 4, 5]}`,
			map[string]int{"images": 4, "reference": 4, "fit": 4, "sign": 4, "evaluate": 8},
		},
		"the first fit images": {
			`{name: a, kind: upi_grad, eps: [255], steps: 1}, {name: b, kind: upi_grad, eps: [255], steps: 1, fit_images: 600}`,
			map[string]int{"images": 5, "reference": 5, "fit": 2, "sign": 2, "evaluate": 4},
		},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := planOf(t, `
data: {fit: {path: data/mnist/fit-*.parquet}, test: {path: data/mnist/test-*.parquet}}
models: [{name: mnist_mlp, path: savedmodels/mnist_mlp}]
explanations: [{name: sg, kind: simple_gradient}]
attacks: [`+c.attacks+`]
`)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int{}
			for _, task := range plan.Tasks() {
				got[task.Stage]++
			}
			delete(got, "tables")
			delete(got, "examples")
			if got["diagnosis"] != 1 {
				t.Errorf("%d diagnoses of a model", got["diagnosis"])
			}
			delete(got, "diagnosis")
			if !maps.Equal(got, c.want) {
				t.Errorf("%s\ngives %v, want %v", strings.TrimSpace(c.attacks), got, c.want)
			}
		})
	}
}

// TestPlanModels: of each model, split and explanation that perturbations need, the tables read the references once, those of the most
// fit images, and nothing is planned for them alone.
func TestPlanModels(t *testing.T) {
	t.Chdir("../..")
	plan, err := planOf(t, `
data: {fit: {path: data/mnist/fit-*.parquet}, test: {path: data/mnist/test-*.parquet}}
models: [{name: m, path: savedmodels/mnist_mlp}, {name: n, path: savedmodels/mnist_cnn}]
explanations: [{name: sg, kind: simple_gradient}, {name: none, kind: simple_gradient}]
attacks:
  - {name: a, kind: upi_grad, eps: [255], steps: 1, fit_images: 100, sources: [m], explanations: [sg]}
  - {name: b, kind: upi_grad, eps: [255], steps: 1, fit_images: 600, sources: [m], explanations: [sg]}
  - {name: c, kind: upi_grad, eps: [255], steps: 1, fit_images: 50, sources: [m], explanations: [sg]}
evaluation: {transfer: true}
`)
	if err != nil {
		t.Fatal(err)
	}
	tasks := plan.Tasks()
	var spec stages.TablesSpec
	if err := json.Unmarshal(tasks[len(tasks)-1].Spec, &spec); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range spec.Models {
		got = append(got, fmt.Sprintf("%s %s %s: %d images of %d shards, %d classes", m.Model, m.Split, m.Explanation, m.Images, len(m.References), m.Classes))
	}
	want := []string{
		"m fit sg: 600 images of 2 shards, 10 classes",
		"m test sg: 1000 images of 2 shards, 10 classes",
		"n test sg: 1000 images of 2 shards, 10 classes",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// planOf plans the tasks of a configuration.
func planOf(t *testing.T, text string) (*pipeline.Plan, error) {
	t.Helper()
	p, err := plannerOf(t, text)
	if err != nil {
		return nil, err
	}
	plan := pipeline.NewPlan(p.Environment(), nil)
	return plan, p.Plan(plan)
}

func plannerOf(t *testing.T, text string) (*Planner, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plan.yaml")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	settings, err := config.Load(path, nil, Kinds())
	if err != nil {
		return nil, err
	}
	p, err := New(settings)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// TestPlanRefuses what would be read as something else.
func TestPlanRefuses(t *testing.T) {
	t.Chdir("../..")
	for want, text := range map[string]string{
		"the names m, a.b, random and m.a, b, random make the same id": `
models: [{name: m, path: savedmodels/mnist_mlp}, {name: m.a, path: savedmodels/mnist_cnn}]
explanations: [{name: a.b, kind: simple_gradient}, {name: b, kind: simple_gradient}]
attacks: [{name: random, kind: random, eps: [255], draws: 1}]`,
		"attacks[0].sources (grad) = [m m]: want each model once": `
models: [{name: m, path: savedmodels/mnist_mlp}]
explanations: [{name: sg, kind: simple_gradient}]
attacks: [{name: grad, kind: upi_grad, eps: [255], sources: [m, m]}]`,
		"attacks[0].sources (each) = [m n]: want one model": `
models: [{name: m, path: savedmodels/mnist_mlp}, {name: n, path: savedmodels/mnist_cnn}]
explanations: [{name: sg, kind: simple_gradient}]
attacks: [{name: each, kind: per_image, eps: [255], sources: [m, n]}]`,
		"attacks[1].surrogate (smooth): v has no Relu, Relu6 or LeakyRelu that a surrogate could replace; leave it out": `
models:
  - {name: m, path: savedmodels/mnist_mlp}
  - {name: v, path: savedmodels/cifar10_vit, data: {fit: {path: data/cifar10/fit-*.parquet}, test: {path: data/cifar10/test-*.parquet}}}
explanations: [{name: sg, kind: simple_gradient}]
attacks: [{name: a, kind: random, eps: [255]}, {name: smooth, kind: upi_grad, eps: [255], surrogate: {beta: 30}, sources: [v]}]`,
	} {
		_, err := planOf(t, "data: {fit: {path: data/mnist/fit-*.parquet}, test: {path: data/mnist/test-*.parquet}}"+text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestPlanTakesTheImagesSize has a network that leaves height and width open, and gives it its preprocessing by name.
func TestPlanTakesTheImagesSize(t *testing.T) {
	t.Chdir("../..")
	const model = "data: {fit: {path: data/cifar10/fit-*.parquet}, test: {path: data/cifar10/test-*.parquet}}\n" +
		"explanations: [{name: sg, kind: simple_gradient}]\nattacks: [{name: random, kind: random, eps: [255], draws: 1}]\n" +
		"models: [{name: m, path: savedmodels/testdata/inputs/"
	plan, err := planOf(t, model+"open_height_and_width, input: {preprocess: caffe}}]")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, task := range plan.Tasks() {
		if task.Stage == "reference" {
			found = true
			if spec := string(task.Spec); !strings.Contains(spec, `"Shape":[32,32,3]`) || !strings.Contains(spec, `"Preprocess":"caffe"`) {
				t.Errorf("spec %s", spec)
			}
		}
	}
	if !found {
		t.Error("no task of the stage reference")
	}
	const want = "takes 32 values, an image of the declared shape [32 32 3] has 3072"
	if _, err := planOf(t, model+"flat}]"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// TestMetricsShareScores: the scores of metrics that cost next to nothing beside a map are those of all runs; what sorts pixels is
// computed where it is asked for, and alone depends on top_k's share.
func TestMetricsShareScores(t *testing.T) {
	t.Chdir("../..")
	keys := func(evaluation string) []pipeline.Key {
		plan, err := planOf(t, `
data: {fit: {path: data/mnist/fit-*.parquet}, test: {path: data/mnist/test-*.parquet}}
models: [{name: mnist_mlp, path: savedmodels/mnist_mlp}]
explanations: [{name: sg, kind: simple_gradient}]
attacks: [{name: a, kind: random, eps: [255]}]
evaluation: `+evaluation)
		if err != nil {
			t.Fatal(err)
		}
		var all []pipeline.Key
		for _, task := range plan.Tasks() {
			if task.Stage == "evaluate" {
				all = append(all, task.Key)
			}
		}
		return all
	}
	base := keys("{metrics: [normalized_l2]}")
	if len(base) == 0 {
		t.Fatal("nothing is scored")
	}
	for evaluation, same := range map[string]bool{
		"{metrics: [ssim, cosine, prediction_changed, probability_drop, center_shift]}": true, "{metrics: [normalized_l2], top_k: 0.2}": true,
		"{metrics: [normalized_l2, kendall]}": false, "{metrics: [normalized_l2, top_k]}": false,
	} {
		if slices.Equal(keys(evaluation), base) != same {
			t.Errorf("%s: scored by the same tasks: %v, want %v", evaluation, !same, same)
		}
	}
	if slices.Equal(keys("{metrics: [kendall, top_k]}"), keys("{metrics: [kendall, top_k], top_k: 0.2}")) {
		t.Error("another top_k is not another score")
	}
	if !slices.Equal(keys("{metrics: [kendall, top_k]}"), keys("{metrics: [top_k, ssim, kendall]}")) {
		t.Error("the order of the metrics makes other scores")
	}
}

// TestWork: how much tasks compute, in first derivatives of one image, for an explanation of 10 points and 20 images to fit on.
func TestWork(t *testing.T) {
	t.Chdir("../..")
	plan, err := planOf(t, `
data: {fit: {path: data/mnist/fit-*.parquet, limit: 20}, test: {path: data/mnist/test-*.parquet, limit: 30}}
models: [{name: m, path: savedmodels/mnist_mlp}]
explanations: [{name: ig, kind: integrated_gradients, steps: 10}]
attacks:
  - {name: grad, kind: upi_grad, eps: [255], steps: 10, batch: 4, check_every: 5, smoothing: {radius: 9, draws: 2}}
  - {name: pca, kind: upi_pca, eps: [255], smoothing: {radius: 9, draws: 2}}`)
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]float64{
		"reference m/ig/fit-00000-of-00002":                 20 * 10,
		"fit m.ig.grad.l2-255.s0":                           10*4*(3*10*2) + 2*2*(10*2), // steps of second order; twice 2 held-back images
		"fit m.ig.pca.l2-255.s0":                            0,
		"gradients m/ig/dissimilarity/fit-00000-of-00002":   20 * 3 * 10 * 2,
		"sign m.ig.pca.l2-255.s0":                           2 * 20 * 10,
		"evaluate m.ig.pca.l2-255.s0/m/test-00000-of-00002": 30 * 10,
	} {
		i := slices.IndexFunc(plan.Tasks(), func(task *pipeline.Task) bool { return task.Stage+" "+task.Label == what })
		if i < 0 {
			t.Errorf("there is no task %s", what)
		} else if got := plan.Tasks()[i].Estimate.Work; got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
}
