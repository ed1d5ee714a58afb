package pipeline

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upi/pipeline/progress"
)

// TestInterim: what the published tasks would make of what is there, and nothing in the cache for it.
func TestInterim(t *testing.T) {
	store := openStore(t, t.TempDir())
	texts := corpus(t, t.TempDir(), 3)
	plan := wordPlan(t, store, texts, countSpec{}, true)
	dir := t.TempDir()
	if _, err := Interim(t.Context(), plan, store, dir); err == nil || !strings.Contains(err.Error(), "nothing is scored yet: 0 of 5 tasks are done") {
		t.Errorf("of an empty cache: %v", err)
	}
	// Of three texts one cannot be read, and the list is made of the others.
	if err := os.WriteFile(texts[1], []byte("BROKEN"), 0o666); err != nil {
		t.Fatal(err)
	}
	plan = wordPlan(t, store, texts, countSpec{}, true)
	if _, err := (&Local{Store: store, KeepGoing: true}).Execute(t.Context(), plan, progress.Silent{}); ExitCode(err) != ExitPartial {
		t.Fatalf("got %v", err)
	}
	// The list that was made then has another key than the planned one: of that, nothing but two counts is there.
	p, err := Interim(t.Context(), plan, store, dir)
	if err == nil || p != (Progress{Done: 2, Tasks: 5}) {
		t.Errorf("got %+v, %v", p, err)
	}
	direct := NewPlan(Environment{"words": "1.0"}, store.Hasher())
	spec := mergeSpec{}
	for _, path := range texts {
		in, err := direct.Input("text", path)
		if err != nil {
			t.Fatal(err)
		}
		counted, err := direct.Add(countStage, filepath.Base(path), countSpec{Text: in})
		if err != nil {
			t.Fatal(err)
		}
		spec.Some = append(spec.Some, IfThere(counted))
	}
	if _, err := direct.Add(mergeStage, "all", spec, Published()); err != nil {
		t.Fatal(err)
	}
	if p, err := Interim(t.Context(), direct, store, dir); err != nil || p != (Progress{Done: 2, Tasks: 4}) {
		t.Errorf("got %+v, %v", p, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "words.json"))
	if err != nil || !strings.Contains(string(text), `"missing: count text-1.txt":1`) || !strings.Contains(string(text), `"and":24`) {
		t.Errorf("%s, %v", text, err)
	}
	if a, err := store.Lookup("merge", direct.tasks[3].Key); a != nil || err != nil {
		t.Errorf("the cache has it: %v, %v", a, err)
	}
}

// TestCurrent: the configuration of a run can be looked at while it goes on and after one without results, and not beside results.
func TestCurrent(t *testing.T) {
	output, store := t.TempDir(), openStore(t, t.TempDir())
	texts := corpus(t, t.TempDir(), 2)
	if err := os.WriteFile(texts[1], []byte("BROKEN"), 0o666); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(output, "words")
	if _, err := execute(t, output, store, wordPlan(t, store, texts, countSpec{}, false), false); err == nil {
		t.Fatal("the run came to its end")
	}
	if Current(dir) != filepath.Join(dir, currentFile) {
		t.Errorf("after a run without results: %q", Current(dir))
	}
	if err := os.WriteFile(texts[1], []byte("a word"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := execute(t, output, store, wordPlan(t, store, texts, countSpec{}, false), false); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, currentFile)); Current(dir) != "" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("beside results: %q, %v", Current(dir), err)
	}
	run, err := OpenRun(output, "words")
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	if err := run.begin([]byte("name: words\n")); err != nil {
		t.Fatal(err)
	}
	if Current(dir) == "" {
		t.Error("a run that goes on has no configuration")
	}
}
