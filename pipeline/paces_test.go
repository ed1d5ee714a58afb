package pipeline

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"upi/pipeline/manifest"
)

// TestPacesOf: a run without results of its own is as fast as the one beside it that reads most of its inputs, not as the last one.
func TestPacesOf(t *testing.T) {
	home := t.TempDir()
	plan := NewPlan(nil, nil)
	hash := map[string]string{}
	for _, name := range []string{"vgg", "mlp", "images"} {
		path := filepath.Join(home, name)
		if err := os.WriteFile(path, []byte(name), 0o666); err != nil {
			t.Fatal(err)
		}
		in, err := NewPlan(nil, nil).Input("model", path)
		if err != nil {
			t.Fatal(err)
		}
		hash[name] = in.file.Hash
	}
	ended := time.Now().Add(-time.Hour)
	write := func(run string, seconds float64, inputs ...string) {
		m := &Manifest{Format: manifest.Format, Run: run, Tasks: []TaskRecord{{Stage: "evaluate", Spec: []byte("{}"), Work: 1, Seconds: seconds}}}
		for _, name := range inputs {
			m.Inputs = append(m.Inputs, manifest.Input{Role: "model", SHA256: hash[name]})
		}
		dir := filepath.Join(home, "runs", run)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := m.Write(&text); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, manifest.Name), text.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		ended = ended.Add(time.Minute)
		if err := os.Chtimes(filepath.Join(dir, manifest.Name), ended, ended); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(run string, foreign bool) {
		t.Helper()
		if p := plan.PacesOf(filepath.Join(home, "runs", "next")); p.Run != run || p.Foreign != foreign {
			t.Errorf("as fast as %q, foreign %v; want %q, %v", p.Run, p.Foreign, run, foreign)
		}
	}
	expect("", false)
	write("vgg_alone", 3, "vgg")
	write("vgg_older", 3, "vgg", "images")
	write("vgg", 3, "vgg", "images")
	write("mlp", 1, "mlp", "images")
	write("nothing_timed", 0, "vgg", "images")
	expect("mlp", true) // of a plan that reads nothing yet
	for _, name := range []string{"vgg", "images"} {
		if _, err := plan.Input("model", filepath.Join(home, name)); err != nil {
			t.Fatal(err)
		}
	}
	expect("vgg", false)
	write("next", 5, "mlp")
	expect("next", false)
}
