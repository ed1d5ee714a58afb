package planner

import (
	"strings"
	"testing"
)

const small = `
models: [{name: mnist_mlp, path: savedmodels/mnist_mlp}]
explanations: [{name: sg, kind: simple_gradient}]
attacks: [{name: a, kind: random, eps: [255]}]
data: {fit: {path: data/mnist/fit-*.parquet}, test: {path: data/mnist/test-*.parquet}, `

// TestPicturesOfAConfiguration: how pictures become pixels is part of what tasks that decode them are known by.
func TestPicturesOfAConfiguration(t *testing.T) {
	t.Chdir("../..")
	keys := map[string]string{}
	for _, data := range []string{
		"", "resize: {mode: squash, size: 28}", "resize: {size: 28, shorter: 30}", "resize: {like: hf-vit, size: 28}",
		"on_alpha: white",
		"orientation: stored",
	} {
		plan, err := planOf(t, small+data+"}")
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		for _, task := range plan.Tasks() {
			if task.Stage == "images" && strings.HasPrefix(task.Label, "fit-00000") {
				keys[string(task.Key)] = data
			}
		}
	}
	if len(keys) != 5 { // like hf-vit is squash by bilinear
		t.Errorf("%d keys: %v", len(keys), keys)
	}
	for data, want := range map[string]string{
		"resize: {mode: stretch, size: 28}":           "[crop squash pad]",
		"resize: {size: 28, filter: box}":             "bilinear",
		"resize: {filter: bicubic}":                   "1..4096",
		"resize: {like: torchvision, mode: crop}":     "one or the other",
		"resize: {like: timm}":                        "torchvision",
		"resize: {mode: pad, size: 28, shorter: 30}":  "crop",
		"on_alpha: black":                             "drop, white",
		"orientation: up":                             "exif, stored",
		"resize: {mode: crop, size: 32, shorter: 32}": "[32 32 1]",
	} {
		if _, err := planOf(t, small+data+"}"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, wanted %q", data, err, want)
		}
	}
}
