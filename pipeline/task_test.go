package pipeline

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"upi/pipeline/progress"
)

func writeEmpty(_ context.Context, job *Job) error {
	return os.WriteFile(filepath.Join(job.Dir, "words.json"), []byte("{}"), 0o666)
}

// keyOf plans one task over a file with the given text and returns its key.
func keyOf(t testing.TB, environment Environment, stage *Stage, label string, spec any, path, text string) Key {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	plan := NewPlan(environment, nil)
	key, err := plan.Add(stage, label, spec, Reads("text", path))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKey(t *testing.T) {
	dir := t.TempDir()
	type ordered struct {
		B int    `json:"b"`
		A string `json:"a"`
	}
	environment := Environment{"tensorflow": "2.18", "device": "cpu"}
	stage := func(name string, version int) *Stage { return &Stage{Name: name, Version: version} }
	want := keyOf(t, environment, stage("count", 1), "a label", ordered{1, "x"}, dir+"/one", "abc")
	// A key that changes without its format's number would make all caches useless.
	// Python: hashlib.sha256(text).hexdigest() of {"Format":"upi-task-1","Stage":"count",
	// "Version":1,"Spec":{"a":"x","b":1},"Environment":{"device":"cpu","tensorflow":"2.18"},
	// "Parents":null,"Files":[{"Role":"text","ID":SHA-256 of "abc"}],"Missing":null}
	// without the line breaks.
	const fixed = "1f34dc4359dc324afd90e3e7b3eb3a4afd86bc39c707adb67b129d6f24e74714"
	if want != fixed {
		t.Errorf("the key of a fixed task is now %s", want)
	}
	same := map[string]Key{
		"label":         keyOf(t, environment, stage("count", 1), "another", ordered{1, "x"}, dir+"/one", "abc"),
		"path":          keyOf(t, environment, stage("count", 1), "a label", ordered{1, "x"}, dir+"/sub/two", "abc"),
		"order of keys": keyOf(t, environment, stage("count", 1), "a label", map[string]any{"a": "x", "b": 1}, dir+"/one", "abc"),
	}
	for what, key := range same {
		if key != want {
			t.Errorf("the %s changes the key", what)
		}
	}
	others := map[string]Key{
		"stage":       keyOf(t, environment, stage("merge", 1), "a label", ordered{1, "x"}, dir+"/one", "abc"),
		"version":     keyOf(t, environment, stage("count", 2), "a label", ordered{1, "x"}, dir+"/one", "abc"),
		"environment": keyOf(t, Environment{"tensorflow": "2.18", "device": "gpu"}, stage("count", 1), "a label", ordered{1, "x"}, dir+"/one", "abc"),
		"spec":        keyOf(t, environment, stage("count", 1), "a label", ordered{2, "x"}, dir+"/one", "abc"),
		"content":     keyOf(t, environment, stage("count", 1), "a label", ordered{1, "x"}, dir+"/one", "abd"),
	}
	for what, key := range others {
		if key == want {
			t.Errorf("the %s does not change the key", what)
		}
	}
}

// TestKeysDoNotCollide: tasks that differ in spec or environment differ in key,
// whatever characters are in them.
func TestKeysDoNotCollide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", `"`, `","b":"`, `\`, "\x00"}))
		draw := func(label string) (Environment, map[string]string, Key) {
			environment := Environment(rapid.MapOfN(text, text, 0, 2).Draw(t, label+" environment"))
			spec := rapid.MapOfN(text, text, 0, 2).Draw(t, label+" spec")
			key, err := NewPlan(environment, nil).Add(&Stage{Name: "x"}, "", spec)
			if err != nil {
				t.Fatal(err)
			}
			return environment, spec, key
		}
		envA, specA, a := draw("a")
		envB, specB, b := draw("b")
		// The JSON is what counts: invalid UTF-8 is replaced in it.
		textA, _ := json.Marshal([]any{envA, specA})
		textB, _ := json.Marshal([]any{envB, specB})
		if (a == b) != (string(textA) == string(textB)) {
			t.Fatalf("%s and %s have keys %s and %s", textA, textB, a, b)
		}
	})
}

func TestPlanRefuses(t *testing.T) {
	dir := t.TempDir()
	cases := []struct {
		name string
		add  func(p *Plan) error
		says string
	}{
		{"an unknown parent", func(p *Plan) error {
			_, err := p.Add(mergeStage, "m", nil, From("counts", Key(strings.Repeat("a", 64))))
			return err
		}, "no task of key aaaaaaaaaaaa"},
		{"a file that is not there", func(p *Plan) error {
			_, err := p.Add(countStage, "c", nil, Reads("text", dir+"/none"))
			return err
		}, "plan count c: hash text: look at input: stat " + dir + "/none"},
		{"a spec that is no JSON", func(p *Plan) error {
			_, err := p.Add(countStage, "c", func() {})
			return err
		}, "encode spec"},
		{"a stage name with a separator", func(p *Plan) error {
			_, err := p.Add(&Stage{Name: "../x"}, "c", nil)
			return err
		}, `stage name "../x"`},
		{"two stages of one name", func(p *Plan) error {
			if _, err := p.Add(&Stage{Name: "x"}, "c", 1); err != nil {
				return err
			}
			_, err := p.Add(&Stage{Name: "x"}, "c", 2)
			return err
		}, "two stages of that name"},
	}
	for _, c := range cases {
		if err := c.add(NewPlan(nil, nil)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

// TestTaskFromJSON runs the tasks of a plan one by one from their JSON, as an
// executor with processes of its own would.
func TestTaskFromJSON(t *testing.T) {
	texts := corpus(t, t.TempDir(), 3)
	store := openStore(t, t.TempDir())
	plan := wordPlan(t, store, texts, countSpec{}, From)
	worker := &Worker{Stages: Stages{"count": countStage, "merge": mergeStage, "top": topStage}, Store: store}
	for _, task := range plan.Tasks() {
		text, err := json.Marshal(task)
		if err != nil {
			t.Fatal(err)
		}
		var read Task
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		if _, hit, err := worker.Perform(t.Context(), read, nil); hit || err != nil {
			t.Fatal(hit, err)
		}
	}
	r, err := (&Local{Store: store}).Execute(t.Context(), plan, progress.Silent{})
	if err != nil || statuses(r)[progress.Hit] != 5 {
		t.Errorf("got %v, %v", statuses(r), err)
	}
	if _, _, err := (&Worker{Store: store}).Perform(t.Context(), plan.Tasks()[0], nil); err == nil || !strings.Contains(err.Error(), "no stage count of version 1") {
		t.Errorf("got %v", err)
	}
}

// TestWarningsDoNotDependOnTheirOrder: merging is commutative and associative.
func TestWarningsDoNotDependOnTheirOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		warning := rapid.Custom(func(t *rapid.T) []Warning {
			j := &Job{counts: map[string]int64{}, warnings: map[string]*Warning{}}
			for range rapid.IntRange(0, 5).Draw(t, "n") {
				j.Warn(rapid.StringMatching(`[ab]`).Draw(t, "code"), rapid.Int64Range(1, 9).Draw(t, "count"), rapid.StringMatching(`[a-z]?`).Draw(t, "example"))
			}
			_, w := j.tally()
			return w
		})
		a, b, c := warning.Draw(t, "a"), warning.Draw(t, "b"), warning.Draw(t, "c")
		equal := func(x, y []Warning) bool {
			return slices.EqualFunc(x, y, func(p, q Warning) bool {
				return p.Code == q.Code && p.Count == q.Count && slices.Equal(p.Examples, q.Examples)
			})
		}
		if !equal(mergeWarnings(a, b), mergeWarnings(b, a)) {
			t.Fatal("the order counts")
		}
		if !equal(mergeWarnings(mergeWarnings(a, b), c), mergeWarnings(a, mergeWarnings(b, c))) {
			t.Fatal("the grouping counts")
		}
	})
}

// TestShard: a task is about the one file that it reads, or that the artefacts which it reads were made from, in whatever order.
func TestShard(t *testing.T) {
	dir, plan, stage := t.TempDir(), NewPlan(nil, nil), &Stage{Name: "count", Version: 1}
	texts := corpus(t, dir, 2)
	add := func(label string, options ...Option) Key {
		t.Helper()
		key, err := plan.Add(stage, label, label, options...)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	zero, one, model := add("zero", Reads("text", texts[0])), add("one", Reads("text", texts[1])), Reads("model", dir)
	random := add("random")
	both := add("both", From("counts", zero), From("counts", one))
	add("model and shard", model, From("counts", one))
	add("perturbation, model and shard", model, From("delta", random), From("delta", both), From("counts", zero))
	add("perturbation and model", model, From("delta", both))
	want := map[string]string{"zero": "text-0.txt", "one": "text-1.txt", "model and shard": "text-1.txt",
		"perturbation, model and shard": "text-0.txt"}
	for _, task := range plan.Tasks() {
		if task.Shard != want[task.Label] {
			t.Errorf("%s: shard %q, want %q", task.Label, task.Shard, want[task.Label])
		}
	}
}
