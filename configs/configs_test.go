// Package configs tests that the configurations beside it are what the program takes.
package configs

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upi/pipeline"
	"upi/pipeline/cache"
	"upi/pipeline/config"
	"upi/savedmodels/runtime"
	"upi/stages/planner"
)

// parts are the files that others extend and that do not stand alone.
var parts = []string{"paper/base.yaml", "paper/mnist.yaml", "paper/cifar10.yaml", "beyond/base.yaml", "study/base.yaml", "study/pca/base.yaml", "study/draws/base.yaml", "study/steps/base.yaml", "strong/base.yaml", "imagenet/base.yaml"}

// ownData are the configurations that need shards and networks of the user's, or those of `make imagenet`.
var ownData = []string{"paper/tiny_imagenet.yaml", "paper/imagenet.yaml", "imagenet/lite0.yaml", "imagenet/lite0_per_image.yaml", "imagenet/study.yaml"}

// TestEveryConfigurationCanBeRun loads each one and plans it: models, shards and settings fit together.
func TestEveryConfigurationCanBeRun(t *testing.T) {
	var paths []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".yaml" && !slices.Contains(parts, filepath.ToSlash(path)) {
			paths = append(paths, filepath.ToSlash(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, missing := range slices.Concat(parts, ownData) {
		if _, err := os.Stat(missing); err != nil {
			t.Error(err)
		}
	}
	t.Chdir("..")
	runs := map[string]string{}
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			c, err := config.Load(filepath.Join("configs", path), []string{"cache=" + t.TempDir()}, planner.Kinds())
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.TrimSuffix(filepath.Base(path), ".yaml"); c.Name != want && path != "nightly.yaml" { // called after its data
				t.Errorf("the run is called %s, the file %s", c.Name, want)
			}
			directory := filepath.Join(c.Output, c.Name)
			if other, taken := runs[directory]; taken {
				t.Errorf("%s writes to %s too", other, directory)
			}
			runs[directory] = path
			if slices.Contains(ownData, path) {
				return
			}
			p, err := planner.New(c)
			if _, missing := runtime.Bfloat16Units(runtime.Device{}); missing != nil && c.Precision == "bfloat16" || missing != nil && path == "beyond/precision.yaml" {
				t.Skip(missing)
			}
			if err != nil {
				t.Fatal(err)
			}
			store, err := cache.Open(c.Cache)
			if err != nil {
				t.Fatal(err)
			}
			plan := pipeline.NewPlan(p.Environment(), store.Hasher())
			if err := p.Plan(plan); err != nil {
				t.Fatal(err)
			}
			if len(plan.Tasks()) < len(c.Attacks) {
				t.Errorf("%d tasks for %d attacks", len(plan.Tasks()), len(c.Attacks))
			}
		})
	}
}
