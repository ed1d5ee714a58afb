package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"upi/pipeline/cache"
	"upi/pipeline/manifest"
	"upi/pipeline/progress"
)

// execute opens and executes one run of the words of texts.
func execute(t *testing.T, output string, store *cache.Store, plan *Plan, keepGoing bool) (*Manifest, error) {
	t.Helper()
	run, err := OpenRun(output, "words")
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	d := Description{
		Config:   []byte("name: words\n"),
		Settings: map[string]any{"name": "words", "attacks": []any{map[string]any{"name": "a", "eps": []int{8}}}},
		Versions: map[string]string{"upi": "1"}, Device: "cpu", Seeds: []uint64{3},
	}
	return run.Execute(t.Context(), store, plan, &Local{Store: store, Workers: 2, KeepGoing: keepGoing}, d, progress.Silent{})
}

func TestRunWritesItsDirectory(t *testing.T) {
	output, store := t.TempDir(), openStore(t, t.TempDir())
	texts := corpus(t, t.TempDir(), 3)
	if err := os.WriteFile(texts[2], []byte("a word\n\n\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	m, err := execute(t, output, store, wordPlan(t, store, texts, countSpec{}, false), false)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(output, "words")
	read, err := ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	if read.Status != RunDone || len(read.Tasks) != 5 || len(read.Inputs) != 3 || !read.LastSuccess.Equal(m.Finished) {
		t.Errorf("got %+v", read)
	}
	wantWarnings := []Warning{{Code: "empty_line", Count: 5, Examples: []string{"text-0.txt:013", "text-1.txt:013", "text-2.txt:002"}}}
	if !reflect.DeepEqual(read.Warnings, wantWarnings) {
		t.Errorf("warnings %+v", read.Warnings)
	}
	if n := read.Stages[0].Counts[CountImages]; n != 13+13+4 {
		t.Errorf("%d images", n)
	}
	var names []string
	for _, o := range read.Outputs {
		names = append(names, o.Name)
	}
	if want := []string{"tables/top.tsv", "config.yaml"}; !reflect.DeepEqual(names, want) {
		t.Errorf("outputs %v, want %v", names, want)
	}
	line := read.Lineage(read.Outputs[0].Task)
	if len(line) != 5 || line[0].Files[0].Path != texts[0] {
		t.Errorf("lineage %+v", line)
	}
	entries, _ := os.ReadDir(dir)
	names = nil
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"config.yaml", "manifest.json", "metrics.prom", "tables"}; !reflect.DeepEqual(names, want) {
		t.Errorf("directory %v, want %v", names, want)
	}
}

// TestRunThatFailsLeavesTheLastResults: the results and the manifest that
// describes them stay; metrics.prom tells of the failure.
func TestRunThatFailsLeavesTheLastResults(t *testing.T) {
	output, store := t.TempDir(), openStore(t, t.TempDir())
	texts := corpus(t, t.TempDir(), 3)
	good, err := execute(t, output, store, wordPlan(t, store, texts, countSpec{}, false), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(texts[1], []byte("BROKEN"), 0o666); err != nil {
		t.Fatal(err)
	}
	bad, err := execute(t, output, store, wordPlan(t, store, texts, countSpec{}, false), false)
	if ExitCode(err) != ExitFailed || bad.Status != RunFailed {
		t.Fatalf("got %v", err)
	}
	dir := filepath.Join(output, "words")
	if m, err := ReadManifest(dir); err != nil || !m.Finished.Equal(good.Finished) {
		t.Errorf("the manifest is not that of the results: %v", err)
	}
	if m, err := manifest.Read(filepath.Join(dir, attemptFile)); err != nil || !strings.Contains(m.Error, "text-1.txt: line 1 is broken") {
		t.Errorf("got %+v, %v", m, err)
	}
	metrics, err := os.ReadFile(filepath.Join(dir, metricsFile))
	if err != nil || !strings.Contains(string(metrics), `upi_run_success{run="words"} 0`) ||
		!strings.Contains(string(metrics), `upi_tasks_failed{run="words"} 1`) {
		t.Errorf("%v: %s", err, metrics)
	}
	// What the old results come from is still needed, and the input has changed.
	if _, err := store.GC(t.Context(), cache.Policy{All: true}); err != nil {
		t.Fatal(err)
	}
	wrong, err := Verify(dir, store)
	if want := []string{"input " + texts[1] + " has changed"}; err != nil || !reflect.DeepEqual(wrong, want) {
		t.Errorf("got %v, %v", wrong, err)
	}
	partial, err := execute(t, output, store, wordPlan(t, store, texts, countSpec{}, true), true)
	if ExitCode(err) != ExitPartial || partial.Status != RunPartial || !partial.LastSuccess.Equal(good.Finished) {
		t.Errorf("got %v, %v", err, partial.Status)
	}
	if _, err := os.Stat(filepath.Join(dir, attemptFile)); !errors.Is(err, os.ErrNotExist) {
		t.Error("the attempt is still there")
	}
	table, _ := os.ReadFile(filepath.Join(dir, "tables", "top.tsv"))
	if !strings.Contains(string(table), "missing: count text-1.txt") {
		t.Errorf("the table hides what is missing: %s", table)
	}
}

func TestRunRemovesResultsOfTheRunBefore(t *testing.T) {
	output, store := t.TempDir(), openStore(t, t.TempDir())
	texts := corpus(t, t.TempDir(), 2)
	if _, err := execute(t, output, store, wordPlan(t, store, texts, countSpec{}, false), false); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(output, "words")
	own := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(own, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	plan := NewPlan(nil, nil)
	in, err := plan.Input("text", texts[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Add(countStage, "one", countSpec{Text: in}, Published()); err != nil {
		t.Fatal(err)
	}
	if _, err := execute(t, output, store, plan, false); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "tables", "top.tsv")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a result of the run before is still there")
	}
	for _, path := range []string{own, filepath.Join(dir, "words.json")} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestVerifyFindsEveryHarm(t *testing.T) {
	output, store := t.TempDir(), openStore(t, t.TempDir())
	texts := corpus(t, t.TempDir(), 3)
	m, err := execute(t, output, store, wordPlan(t, store, texts, countSpec{}, false), false)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(output, "words")
	if wrong, err := Verify(dir, store); err != nil || len(wrong) != 0 {
		t.Fatal(wrong, err)
	}
	flip := func(path string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text[0] ^= 1
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	flip(filepath.Join(dir, "tables", "top.tsv"))
	flip(filepath.Join(store.Path("count", m.Tasks[0].Key), "words.json"))
	flip(texts[1])
	os.Remove(texts[2])
	os.Remove(filepath.Join(dir, "config.yaml"))
	if err := store.Remove("merge", m.Tasks[3].Key); err != nil {
		t.Fatal(err)
	}
	wrong, err := Verify(dir, store)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(wrong, "\n")
	for _, want := range []string{"output tables/top.tsv has changed", "output config.yaml is missing",
		"words.json does not have the bytes", "artefact of merge all is no longer", texts[1] + " has changed", texts[2] + " is missing"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if len(wrong) != 6 {
		t.Errorf("got\n%s", text)
	}
}

// TestFailAndInclude: a failure before the first task is recorded beside the
// results of the run before, and what is made from results belongs to them.
func TestFailAndInclude(t *testing.T) {
	output, store := t.TempDir(), openStore(t, t.TempDir())
	texts := corpus(t, t.TempDir(), 2)
	good, err := execute(t, output, store, wordPlan(t, store, texts, countSpec{}, false), false)
	if err != nil {
		t.Fatal(err)
	}
	run, err := OpenRun(output, "words")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(run.Dir(), "report.html"), []byte("<html>"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := run.Include("report.html"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../x", "/etc/passwd", "none"} {
		if err := run.Include(name); err == nil {
			t.Errorf("%s is included", name)
		}
	}
	if err := run.Fail(Description{}, errors.New("hash text: no such shard")); err != nil {
		t.Fatal(err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	attempt, err := manifest.Read(filepath.Join(run.Dir(), attemptFile))
	if err != nil || attempt.Status != RunFailed || !attempt.LastSuccess.Equal(good.Finished) {
		t.Errorf("got %+v, %v", attempt, err)
	}
	metrics, err := os.ReadFile(filepath.Join(run.Dir(), metricsFile))
	if err != nil || !strings.Contains(string(metrics), `upi_run_success{run="words"} 0`) {
		t.Errorf("%v: %s", err, metrics)
	}
	if wrong, err := Verify(run.Dir(), store); err != nil || len(wrong) != 0 {
		t.Errorf("got %v, %v", wrong, err)
	}
	if err := os.WriteFile(filepath.Join(run.Dir(), "report.html"), []byte("<HTML>"), 0o666); err != nil {
		t.Fatal(err)
	}
	if wrong, err := Verify(run.Dir(), store); err != nil || len(wrong) != 1 {
		t.Errorf("got %v, %v", wrong, err)
	}
}

func TestOpenRunKeepsToItsOutput(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "../a", "/a", "a/"} {
		if run, err := OpenRun(t.TempDir(), name); err == nil {
			t.Errorf("%q is accepted as %s", name, run.Dir())
		}
	}
}

func TestMetrics(t *testing.T) {
	m := &Manifest{Run: `a"b`, Status: RunPartial, Finished: time.Unix(1700000000, 5e8), LastSuccess: time.Unix(1600000000, 0),
		Seconds: 12.5, Warnings: []Warning{{Code: "zero_map", Count: 4}},
		Stages: []manifest.StageSummary{{Stage: "fit", Done: 2, Hit: 1, Failed: 1, Seconds: 10, Throughput: 6.5, PeakMemory: 1024,
			Counts: map[string]int64{CountImages: 65, CountLeftOut: 3}}}}
	var b bytes.Buffer
	numbers := expectationsFamily([]manifest.Expectation{{Condition: "a", Holds: true}, {Condition: "b"}})
	for _, name := range []string{"upi_score_mean", "upi_score_std_error", "upi_score_images", "upi_model_accuracy"} {
		numbers = append(numbers, Family{Name: name, Help: "A number of the results.",
			Samples: []Sample{{Value: 0.25, Labels: []string{"attack", "upi_pca", "eps", "8"}}}})
	}
	if err := writeMetrics(m, numbers, &b); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "metrics.prom")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s", b.String())
	}
}

// TestSpoil: where the report of good results cannot be written, they stay, and whoever watches learns of it.
func TestSpoil(t *testing.T) {
	output, store := t.TempDir(), openStore(t, t.TempDir())
	m, err := execute(t, output, store, wordPlan(t, store, corpus(t, t.TempDir(), 2), countSpec{}, false), false)
	if err != nil {
		t.Fatal(err)
	}
	run, err := OpenRun(output, "words")
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	spoilt := run.Spoil(m, fmt.Errorf("write report: %w", syscall.ENOSPC))
	if ExitCode(spoilt) != ExitFailed || !strings.Contains(spoilt.Error(), "write report: no space left on device: free some space") {
		t.Errorf("got %v", spoilt)
	}
	attempt, err := manifest.Read(filepath.Join(run.Dir(), attemptFile))
	if err != nil || attempt.Status != RunFailed || len(attempt.Stages) != 3 {
		t.Errorf("got %+v, %v", attempt, err)
	}
	if good, err := ReadManifest(run.Dir()); err != nil || good.Status != RunDone {
		t.Errorf("got %+v, %v", good, err)
	}
	metrics, err := os.ReadFile(filepath.Join(run.Dir(), metricsFile))
	if err != nil || !strings.Contains(string(metrics), `upi_run_success{run="words"} 0`) {
		t.Errorf("%v: %s", err, metrics)
	}
}
