package manifest_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"upi/pipeline/cache"
	"upi/pipeline/manifest"
)

const text = `{"format": 2, "run": "small", "status": "partial", "config": {}, "environment": {"tensorflow": "2.18"},
  "inputs": [{"role": "shard", "path": "/data/fit-0", "sha256": "cc", "size": 7}],
  "outputs": [{"name": "tables/summary.parquet", "size": 3, "sha256": "aa", "task": "k4"}, {"name": "config.yaml", "size": 1, "sha256": "bb"}],
  "specs": [{"limit":9}, {}],
  "tasks": [
    {"stage": "images", "stage_version": 2, "label": "mnist/fit", "shard": "fit-0", "spec": 0, "key": "k1", "status": "hit", "files": [0]},
    {"stage": "images", "label": "mnist/test", "spec": 1, "key": "k2", "status": "done"},
    {"stage": "fit", "label": "a.sg.grad/a", "spec": 1, "key": "k3", "status": "failed", "error": "every gradient is zero", "parents": [0]},
    {"stage": "tables", "label": "small", "spec": 1, "key": "k4", "status": "done", "seconds": 1.5,
     "started": "2026-11-26T10:00:00.25Z", "elapsed": 1.75,
     "parents": [1, 2, "fit b.sg.grad/b"], "counts": {"images": 4}, "warnings": [{"code": "odd", "count": 2, "examples": ["x"]}]}]}`

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
	if !ok || images.StageVersion != 2 || images.Shard != "fit-0" || string(images.Spec) != `{"limit":9}` ||
		images.Files[0] != (manifest.Input{Role: "shard", Path: "/data/fit-0", SHA256: "cc", Size: 7}) {
		t.Errorf("record %+v", images)
	}
	last := m.Tasks[3]
	if last.Seconds != 1.5 || last.Elapsed != 1.75 || !last.Started.Equal(time.Date(2026, 11, 26, 10, 0, 0, 250e6, time.UTC)) ||
		!images.Started.IsZero() || last.Counts[manifest.CountImages] != 4 || last.Warnings[0].Count != 2 || last.Parents[2].Missing != "fit b.sg.grad/b" ||
		last.Parents[1] != (manifest.Parent{Stage: "fit", Key: "k3"}) {
		t.Errorf("record %+v", last)
	}
	if m.Status != manifest.Partial || m.Tasks[2].Error != "every gradient is zero" || m.Environment["tensorflow"] != "2.18" {
		t.Errorf("manifest %+v", m)
	}
	if _, ok := m.Task("k9"); ok {
		t.Error("there is a record of a task that was not run")
	}
}

// TestWrite: what is written is read again as it was.
func TestWrite(t *testing.T) {
	want, err := manifest.ReadDir(write(t, text))
	if err != nil {
		t.Fatal(err)
	}
	var written strings.Builder
	if err := want.Write(&written); err != nil {
		t.Fatal(err)
	}
	got, err := manifest.ReadDir(write(t, written.String()))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v; written\n%s", got, err, want, written.String())
	}
}

func TestReadRefuses(t *testing.T) {
	for name, text := range map[string]string{"another format": `{"format": 99}`, "damaged": "{\x00",
		"a parent to come": `{"format": 2, "specs": [1], "tasks": [{"spec": 0, "parents": [0]}]}`, "no such spec": `{"format": 2, "tasks": [{"spec": 0}]}`,
		"no such input": `{"format": 2, "specs": [1], "tasks": [{"spec": 0, "files": [0]}]}`} {
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
