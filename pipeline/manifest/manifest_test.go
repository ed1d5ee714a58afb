package manifest_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upi/pipeline/cache"
	"upi/pipeline/manifest"
)

const text = `{"format": 1, "run": "small", "status": "partial", "environment": {"tensorflow": "2.18"},
  "outputs": [{"name": "tables/summary.parquet", "size": 3, "sha256": "aa", "task": "k4"}, {"name": "config.yaml", "size": 1, "sha256": "bb"}],
  "tasks": [
    {"stage": "images", "stage_version": 2, "label": "mnist/fit", "shard": "fit-0", "spec": {"limit": 9}, "key": "k1", "status": "hit",
     "files": [{"role": "shard", "path": "/data/fit-0", "hash": "cc", "size": 7}]},
    {"stage": "images", "label": "mnist/test", "key": "k2", "status": "done"},
    {"stage": "fit", "label": "a.sg.grad/a", "key": "k3", "status": "failed", "error": "every gradient is zero",
     "parents": [{"role": "images", "stage": "images", "key": "k1"}]},
    {"stage": "tables", "label": "small", "key": "k4", "status": "done", "seconds": 1.5, "missing": ["fit a.sg.grad/a"],
     "parents": [{"role": "images", "stage": "images", "key": "k2"}, {"role": "delta", "stage": "fit", "key": "k3"}],
     "counts": {"images": 4}, "warnings": [{"code": "odd", "count": 2, "examples": ["x"]}]}]}`

func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRead(t *testing.T) {
	m, err := manifest.ReadDir(write(t, text))
	if err != nil {
		t.Fatal(err)
	}
	images, ok := m.Task("k1")
	if !ok || images.StageVersion != 2 || images.Shard != "fit-0" || string(images.Spec) != `{"limit": 9}` ||
		images.Files[0] != (manifest.InputFile{Role: "shard", Path: "/data/fit-0", Hash: "cc", Size: 7}) {
		t.Errorf("record %+v", images)
	}
	last := m.Tasks[3]
	if last.Seconds != 1.5 || last.Counts[manifest.CountImages] != 4 || last.Warnings[0].Count != 2 || last.Missing[0] != "fit a.sg.grad/a" {
		t.Errorf("record %+v", last)
	}
	if m.Status != manifest.Partial || m.Tasks[2].Error != "every gradient is zero" || m.Environment["tensorflow"] != "2.18" {
		t.Errorf("manifest %+v", m)
	}
	if _, ok := m.Task("k9"); ok {
		t.Error("there is a record of a task that was not run")
	}
}

func TestReadRefuses(t *testing.T) {
	for name, text := range map[string]string{"another format": `{"format": 99}`, "damaged": "{\x00"} {
		dir := write(t, text)
		if _, err := manifest.ReadDir(dir); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "manifest.json")) {
			t.Errorf("%s: the error is %v, want one that names the file", name, err)
		}
	}
	if _, err := manifest.ReadDir(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no manifest: %v, want fs.ErrNotExist", err)
	}
}

func TestLineage(t *testing.T) {
	m, err := manifest.ReadDir(write(t, text))
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string][]cache.Key{
		"./tables/summary.parquet": {"k1", "k2", "k3", "k4"},
		"a.sg.grad":                {"k1", "k3"},
		"config.yaml":              nil, // of no task
	} {
		var keys []cache.Key
		for _, record := range m.Lineage(m.Makers(what)...) {
			keys = append(keys, record.Key)
		}
		if !slices.Equal(keys, want) {
			t.Errorf("%s comes from %v, want %v", what, keys, want)
		}
	}
}
