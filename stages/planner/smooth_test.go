package planner

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"upi/stages"
)

// TestSurrogateOfSmoothNetworks plans attacks with a surrogate on a network of ReLU and on one of GELU alone: the one is differentiated
// through the surrogate, the other as it is, with its own clean maps and a note.
func TestSurrogateOfSmoothNetworks(t *testing.T) {
	t.Chdir("../..")
	plan, err := planOf(t, `
data: {fit: {path: data/cifar10/fit-*.parquet, limit: 50}, test: {path: data/cifar10/test-*.parquet, limit: 50}}
models: [{name: vgg, path: savedmodels/cifar10_vgg}, {name: vit, path: savedmodels/cifar10_vit}]
explanations: [{name: sg, kind: simple_gradient}]
attacks:
  - {name: rows, kind: upi_pca, eps: [255], surrogate: {beta: 30}}
  - {name: climb, kind: upi_grad, eps: [255], steps: 1, surrogate: {beta: 30}}
  - {name: both, kind: upi_grad, eps: [255], steps: 1, surrogate: {beta: 30}, sources: [vgg, vit]}
  - {name: each, kind: per_image, eps: [255], steps: 1, surrogate: {beta: 30}}
`)
	if err != nil {
		t.Fatal(err)
	}
	references, differentiated := map[string]int{}, map[string]int{}
	var notes []string
	for _, task := range plan.Tasks() {
		names := strings.Split(strings.FieldsFunc(task.Label, func(r rune) bool { return r == '/' || r == '.' })[0], "+")
		if task.Stage == "reference" {
			references[names[0]]++
		}
		if !slices.Contains([]string{"gradients", "fit", "per_image", "tables"}, task.Stage) {
			continue
		}
		var spec struct {
			Source  stages.Source
			Sources []struct{ Source stages.Source }
			Notes   []string
		}
		if err := json.Unmarshal(task.Spec, &spec); err != nil {
			t.Fatal(err)
		}
		switch task.Stage {
		case "tables":
			notes = spec.Notes
		case "gradients", "per_image":
			spec.Sources = append(spec.Sources, struct{ Source stages.Source }{spec.Source})
		}
		for i, s := range spec.Sources {
			differentiated[names[i]]++
			if smoothed := s.Source.Surrogate != nil; smoothed != (names[i] == "vgg") {
				t.Errorf("%s %s: %s with the surrogate %v", task.Stage, task.Label, names[i], s.Source.Surrogate)
			}
		}
	}
	// Gradients, two ascents and an attack per image on each; the maps of both splits, and those of the surrogate beside them.
	if differentiated["vgg"] != 4 || differentiated["vit"] != 4 || references["vgg"] != 4 || references["vit"] != 2 {
		t.Errorf("differentiated %v, references %v", differentiated, references)
	}
	var want []string
	for _, attack := range []string{"rows", "climb", "both", "each"} {
		want = append(want, "Note: vit has no Relu, Relu6 or LeakyRelu that a surrogate could replace; there "+attack+
			" differentiates the network as it is.")
	}
	if !slices.Equal(notes, want) {
		t.Errorf("notes %q, want %q", notes, want)
	}
}
