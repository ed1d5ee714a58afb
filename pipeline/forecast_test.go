package pipeline

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"upi/pipeline/cache"
	"upi/pipeline/manifest"
	"upi/pipeline/progress"
)

// An attackSpec pretends to be an attack's.
type attackSpec struct {
	Text   Input          `json:"text"`
	Eps    []int          `json:"eps"`
	Smooth map[string]int `json:"smooth,omitempty"`
}

// attackPlan plans one task that pretends to be an attack, and a table of it.
func attackPlan(t *testing.T, environment Environment, version int, label string, spec attackSpec, text string) *Plan {
	t.Helper()
	plan := NewPlan(environment, nil)
	var err error
	if spec.Text, err = plan.Input("text", text); err != nil {
		t.Fatal(err)
	}
	stage := NewStage("attack", version, writeEmpty[attackSpec])
	made, err := plan.Add(stage, label, spec, Costs(Estimate{Bytes: 7}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Add(mergeStage, "table", mergeSpec{Counts: []Artefact{made}}); err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestForesee(t *testing.T) {
	eight := attackSpec{Eps: []int{8}}
	table := "reads another attack pca 8"
	cases := []struct {
		name        string
		environment Environment
		version     int
		label       string
		spec        attackSpec
		text        string
		drop        bool
		want        [][]string // per task, nil for a hit
	}{
		{"nothing", Environment{"tensorflow": "2.18"}, 1, "pca 8", eight, "abc", false, [][]string{nil, nil}},
		{"eps, and so the label", Environment{"tensorflow": "2.18"}, 1, "pca 10", attackSpec{Eps: []int{10}}, "abc", false,
			[][]string{{"eps [8] -> [10]"}, {"reads another attack pca 10"}}},
		{"a setting more", Environment{"tensorflow": "2.18"}, 1, "pca 8", attackSpec{Eps: []int{8}, Smooth: map[string]int{"draws": 2}}, "abc", false,
			[][]string{{"smooth.draws (none) -> 2"}, {table}}},
		{"an input", Environment{"tensorflow": "2.18"}, 1, "pca 8", eight, "abd", false,
			[][]string{{"text TEXT has changed"}, {table}}},
		{"the environment", Environment{"tensorflow": "2.19"}, 1, "pca 8", eight, "abc", false,
			[][]string{{"tensorflow 2.18 -> 2.19"}, {"tensorflow 2.18 -> 2.19", table}}},
		{"the stage", Environment{"tensorflow": "2.18"}, 2, "pca 8", eight, "abc", false,
			[][]string{{"stage version 1 -> 2"}, {table}}},
		{"an artefact gone", Environment{"tensorflow": "2.18"}, 1, "pca 8", eight, "abc", true,
			[][]string{{"its artefact is no longer in the cache"}, nil}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			store := openStore(t, t.TempDir())
			text := filepath.Join(t.TempDir(), "text")
			if err := os.WriteFile(text, []byte("abc"), 0o666); err != nil {
				t.Fatal(err)
			}
			before := attackPlan(t, Environment{"tensorflow": "2.18"}, 1, "pca 8", eight, text)
			result, err := (&Local{Store: store}).Execute(t.Context(), before, progress.Silent{})
			if err != nil {
				t.Fatal(err)
			}
			previous, err := newManifest("x", Description{}, before, result, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.drop {
				if err := store.Remove("attack", before.Keys()[0]); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(text, []byte(c.text), 0o666); err != nil {
				t.Fatal(err)
			}
			plan := attackPlan(t, c.environment, c.version, c.label, c.spec, text)
			all, err := Foresee(plan, store, previous)
			if err != nil {
				t.Fatal(err)
			}
			misses := 0
			for i, e := range all {
				want := strings.ReplaceAll(strings.Join(c.want[i], "; "), "TEXT", text)
				if got := strings.Join(e.Reasons, "; "); got != want || e.Hit != (c.want[i] == nil) {
					t.Errorf("task %d: hit %v, why %q, want %q", i, e.Hit, got, want)
				}
				if !e.Hit && e.Task.Stage == "attack" {
					misses++
				}
			}
			hit := map[*Task]bool{}
			for _, e := range all {
				hit[e.Task] = e.Hit
			}
			use := DiskOf(plan, func(_ int, t *Task) bool { return !hit[t] })
			if got, want := use.Stays, 7*int64(misses); got != want || use.Peak != want {
				t.Errorf("%d bytes of disk, want %d", got, want)
			}
		})
	}
}

func TestForeseeFirstRun(t *testing.T) {
	store := openStore(t, t.TempDir())
	plan := wordPlan(t, store, corpus(t, t.TempDir(), 1), countSpec{}, false)
	all, err := Foresee(plan, store, nil)
	if err != nil || len(all) != 3 || all[0].Hit || all[0].Reasons[0] != "there was no run before" {
		t.Errorf("got %+v, %v", all, err)
	}
}

func TestDiff(t *testing.T) {
	a := &Manifest{Device: "cpu", Versions: map[string]string{"upi": "1"}, Environment: Environment{"tensorflow": "2.18"},
		Config: []byte(`{"seeds":[0],"attacks":[{"name":"pca","eps":[8]},{"name":"noise"}],"x":{"y":"a & <b>"}}`),
		Inputs: []manifest.Input{{Role: "shard", Path: "/a", SHA256: "1"}}, Stages: []manifest.StageSummary{{Stage: "fit", Version: 1}}}
	b := &Manifest{Device: "gpu", Versions: map[string]string{"upi": "1"}, Environment: Environment{"tensorflow": "2.19"},
		Config: []byte(`{"seeds":[0],"attacks":[{"name":"noise"},{"name":"pca","eps":[8,10]}],"x":{}}`),
		Inputs: []manifest.Input{{Role: "shard", Path: "/a", SHA256: "2"}}, Stages: []manifest.StageSummary{{Stage: "fit", Version: 2}}}
	got := Diff(a, b)
	want := Difference{
		Settings: []Change{{"attacks.pca.eps", "[8]", "[8,10]"}, {"x.y", `"a & <b>"`, ""}},
		Versions: []Change{{"device", "cpu", "gpu"}, {"environment.tensorflow", "2.18", "2.19"}},
		Inputs:   []Change{{"shard /a", "1", "2"}},
		Stages:   []Change{{"fit", "1", "2"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	if !Diff(a, a).Empty() {
		t.Error("a run differs from itself")
	}
}

func TestInputs(t *testing.T) {
	change := func(t *testing.T, path string) {
		if err := os.WriteFile(path, []byte("other words"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		name   string
		before func(t *testing.T, path string)
		during func(t *testing.T, path string)
		says   string
	}{
		{"changed before its task", change, nil, "text-1.txt has changed since the plan was made"},
		{"changed during its task", nil, change, "text-1.txt has changed since the plan was made"},
		{"vanished before its task", func(t *testing.T, path string) { os.Remove(path) }, nil, "text-1.txt has vanished"},
		{"vanished during its task", nil, func(t *testing.T, path string) { os.Remove(path) }, "text-1.txt has vanished"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			store := openStore(t, t.TempDir())
			texts := corpus(t, t.TempDir(), 3)
			plan := wordPlan(t, store, texts, countSpec{}, false)
			if c.before != nil {
				c.before(t, texts[1])
			}
			watch := &onAdvance{label: "text-1.txt", do: func() {
				if c.during != nil {
					c.during(t, texts[1])
				}
			}}
			_, err := (&Local{Store: store, Workers: 1}).Execute(t.Context(), plan, watch)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v", err)
			}
			if a, err := store.Lookup("count", plan.Keys()[1]); a != nil || err != nil {
				t.Errorf("there is an artefact of an input that nobody planned: %v, %v", a, err)
			}
			again, err := planWords(store, texts, countSpec{}, false)
			if strings.Contains(c.says, "vanished") {
				if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "text-1.txt") {
					t.Errorf("planned again: got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r, err := (&Local{Store: store, Workers: 1}).Execute(t.Context(), again, progress.Silent{})
			if err != nil || r.Tasks[0].Status != progress.Hit || !strings.Contains(topOf(t, r), "other\t1") {
				t.Errorf("run again: %v, %+v", err, statuses(r))
			}
		})
	}
}

// onAdvance does something at the first progress of one task.
type onAdvance struct {
	progress.Silent
	label string
	do    func()
}

func (o *onAdvance) Advance(t progress.Task, done, _ int64) {
	if t.Label == o.label && done == 1 {
		o.do()
	}
}

func TestDamagedArtefactIsMadeAgain(t *testing.T) {
	store := openStore(t, t.TempDir())
	plan := wordPlan(t, store, corpus(t, t.TempDir(), 2), countSpec{}, false)
	local := &Local{Store: store, Workers: 2}
	first, err := local.Execute(t.Context(), plan, progress.Silent{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(first.Tasks[0].Artefact.Dir(), "words.json")); err != nil {
		t.Fatal(err)
	}
	second, err := local.Execute(t.Context(), plan, progress.Silent{})
	if err != nil || second.Tasks[0].Status != progress.Done || second.Tasks[1].Status != progress.Hit {
		t.Errorf("got %v, %v", statuses(second), err)
	}
}

// TestDamagedContentIsMadeAgain: an artefact whose bytes have changed fails the task that cannot read it, once.
func TestDamagedContentIsMadeAgain(t *testing.T) {
	store, texts := openStore(t, t.TempDir()), corpus(t, t.TempDir(), 2)
	local := &Local{Store: store, Workers: 1}
	first, err := local.Execute(t.Context(), wordPlan(t, store, texts, countSpec{}, false), progress.Silent{})
	if err != nil {
		t.Fatal(err)
	}
	want := topOf(t, first)
	path := filepath.Join(first.Tasks[1].Artefact.Dir(), "words.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[0] = '?'
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := store.Remove("merge", first.Tasks[2].Task.Key); err != nil {
		t.Fatal(err)
	}
	_, err = local.Execute(t.Context(), wordPlan(t, store, texts, countSpec{}, false), progress.Silent{})
	if err == nil || !strings.Contains(err.Error(), first.Tasks[1].Artefact.Dir()+": words.json does not have the bytes that were written: it is taken out") {
		t.Errorf("got %v", err)
	}
	again, err := local.Execute(t.Context(), wordPlan(t, store, texts, countSpec{}, false), progress.Silent{})
	if err != nil || again.Tasks[1].Status != progress.Done || topOf(t, again) != want {
		t.Errorf("got %v, %v", err, statuses(again))
	}
}

func TestRefreshRunsEverything(t *testing.T) {
	store := openStore(t, t.TempDir())
	plan := wordPlan(t, store, corpus(t, t.TempDir(), 2), countSpec{}, false)
	for range 2 {
		r, err := (&Local{Store: store, Refresh: true}).Execute(t.Context(), plan, progress.Silent{})
		if err != nil || statuses(r)[progress.Done] != 4 {
			t.Errorf("got %v, %v", statuses(r), err)
		}
	}
	if c, err := store.GC(t.Context(), cache.Policy{}); err != nil || c.Kept != 4 {
		t.Errorf("got %+v, %v", c, err)
	}
}
