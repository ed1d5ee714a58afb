package pipeline

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"upi/pipeline/progress"
)

func writeEmpty[S any](_ context.Context, job *Job, _ S) error {
	return os.WriteFile(filepath.Join(job.Out, "words.json"), []byte("{}"), 0o666)
}

// A keySpec has an input and two settings.
type keySpec struct {
	Text Input  `json:"text"`
	B    int    `json:"b"`
	A    string `json:"a"`
}

// keyOf plans one task over a file with the given text and returns its key.
func keyOf(t testing.TB, environment Environment, stage, label string, version int, spec keySpec, path, text string) Key {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	plan := NewPlan(environment, nil)
	var err error
	if spec.Text, err = plan.Input("text", path); err != nil {
		t.Fatal(err)
	}
	made, err := plan.Add(NewStage(stage, version, writeEmpty[keySpec]), label, spec)
	if err != nil {
		t.Fatal(err)
	}
	return made.Key()
}

func TestKey(t *testing.T) {
	dir := t.TempDir()
	environment := Environment{"tensorflow": "2.18", "device": "cpu"}
	want := keyOf(t, environment, "count", "a label", 1, keySpec{B: 1, A: "x"}, dir+"/one", "abc")
	// A key that changes without its format's number would make all caches useless. Python:
	//
	//	n = lambda i: i.to_bytes(8, "little"); s = lambda t: n(len(t)) + t.encode()
	//	spec = '{"text":"file","b":1,"a":"x"}'
	//	hashlib.sha256(s("upi-task-2") + s("count") + n(1) + n(2) + s("device") + s("cpu") + s("tensorflow") + s("2.18") +
	//	    s(spec) + n(0) + n(1) + s(hashlib.sha256(b"abc").hexdigest())).hexdigest()
	const fixed = "e5fbffe4eb76e772a01ae9534933399b37e1727e92a49cb35120c12aeb4a246e"
	if want != fixed {
		t.Errorf("the key of a fixed task is now %s", want)
	}
	same := map[string]Key{
		"label": keyOf(t, environment, "count", "another", 1, keySpec{B: 1, A: "x"}, dir+"/one", "abc"),
		"path":  keyOf(t, environment, "count", "a label", 1, keySpec{B: 1, A: "x"}, dir+"/sub/two", "abc"),
	}
	for what, key := range same {
		if key != want {
			t.Errorf("the %s changes the key", what)
		}
	}
	others := map[string]Key{
		"stage":       keyOf(t, environment, "merge", "a label", 1, keySpec{B: 1, A: "x"}, dir+"/one", "abc"),
		"version":     keyOf(t, environment, "count", "a label", 2, keySpec{B: 1, A: "x"}, dir+"/one", "abc"),
		"environment": keyOf(t, Environment{"tensorflow": "2.18", "device": "gpu"}, "count", "a label", 1, keySpec{B: 1, A: "x"}, dir+"/one", "abc"),
		"spec":        keyOf(t, environment, "count", "a label", 1, keySpec{B: 2, A: "x"}, dir+"/one", "abc"),
		"content":     keyOf(t, environment, "count", "a label", 1, keySpec{B: 1, A: "x"}, dir+"/one", "abd"),
	}
	for what, key := range others {
		if key == want {
			t.Errorf("the %s does not change the key", what)
		}
	}
}

// TestKeysDoNotCollide: tasks that differ in spec, environment or parents differ in
// key, whatever characters are in them.
func TestKeysDoNotCollide(t *testing.T) {
	type spec struct {
		Words   map[string]string
		Parents []Artefact
	}
	stage := NewStage("x", 1, writeEmpty[spec])
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", `"`, `","b":"`, `\`, "\x00"}))
		draw := func(label string) (string, Key) {
			environment := Environment(rapid.MapOfN(text, text, 0, 2).Draw(t, label+" environment"))
			plan := NewPlan(environment, nil)
			one, err := plan.Add(stage, "", spec{})
			if err != nil {
				t.Fatal(err)
			}
			s := spec{Words: rapid.MapOfN(text, text, 0, 2).Draw(t, label+" spec")}
			parents := rapid.IntRange(0, 2).Draw(t, label+" parents")
			for range parents {
				s.Parents = append(s.Parents, one)
			}
			made, err := plan.Add(stage, "", s)
			if err != nil {
				t.Fatal(err)
			}
			// The JSON is what counts: invalid UTF-8 is replaced in it.
			described, _ := json.Marshal([]any{environment, s.Words, parents})
			return string(described), made.Key()
		}
		textA, a := draw("a")
		textB, b := draw("b")
		if (a == b) != (textA == textB) {
			t.Fatalf("%s and %s have keys %s and %s", textA, textB, a, b)
		}
	})
}

// TestInputsOfASpec: wherever they stand in it, they are the task's, and come back
// when the spec is decoded.
func TestInputsOfASpec(t *testing.T) {
	type inner struct {
		Name string
		Many []Artefact
		Text Input
	}
	type spec struct {
		First  Artefact
		Maybe  *Artefact
		None   *inner
		Some   Optional
		Inners [2]inner
		Words  map[string]int
	}
	dir := t.TempDir()
	plan := NewPlan(nil, nil)
	texts := corpus(t, dir, 2)
	var files []Input
	var made []Artefact
	for i, path := range texts {
		in, err := plan.Input("text", path)
		if err != nil {
			t.Fatal(err)
		}
		a, err := plan.Add(countStage, path, countSpec{Text: in, MinLength: i})
		if err != nil {
			t.Fatal(err)
		}
		files, made = append(files, in), append(made, a)
	}
	stage := NewStage("x", 1, writeEmpty[spec])
	want := spec{First: made[1], Maybe: &made[0], Some: IfThere(made[1]), Words: map[string]int{"a": 1},
		Inners: [2]inner{{"one", made, files[1]}, {"two", made[:1], files[0]}}}
	a, err := plan.Add(stage, "x", want)
	if err != nil {
		t.Fatal(err)
	}
	task, _ := plan.Task(a.Key())
	if len(task.Parents) != 6 || task.Parents[0].Key != made[1].Key() || !task.Parents[2].Optional || len(task.Files) != 2 {
		t.Errorf("got %+v", task)
	}
	var got spec
	if err := task.decode(&got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	lost := task.rekey(nil, map[Key]string{made[1].Key(): "two"})
	if err := lost.decode(&got); err != nil || lost.Key == task.Key {
		t.Errorf("got %v", err)
	}
	if _, there := got.Some.Get(); there || lost.Parents[2].Missing != "count two" {
		t.Errorf("got %+v", lost.Parents)
	}
	task.Parents = task.Parents[1:]
	if err := task.decode(&got); err == nil || !strings.Contains(err.Error(), "more artefacts than the task") {
		t.Errorf("got %v", err)
	}
}

// A shadowedSpec has a field whose name another one shadows in JSON.
type shadowedSpec struct {
	shadowedPart
	A int `json:"a"`
}

type shadowedPart struct {
	B int `json:"a"`
}

func TestPlanRefuses(t *testing.T) {
	dir := t.TempDir()
	type inMap struct{ Of map[string]Artefact }
	type noJSON struct{ F func() }
	cases := []struct {
		name string
		add  func(p *Plan) error
		says string
	}{
		{"an artefact of no task", func(p *Plan) error {
			_, err := p.Add(mergeStage, "m", mergeSpec{Counts: []Artefact{{"count", Key(strings.Repeat("a", 64))}}})
			return err
		}, `no task of key "aaaaaaaaaaaa"`},
		{"no artefact", func(p *Plan) error {
			_, err := p.Add(topStage, "t", topSpec{})
			return err
		}, `no task of key ""`},
		{"no file", func(p *Plan) error {
			_, err := p.Add(countStage, "c", countSpec{})
			return err
		}, "an input that is no file"},
		{"a file that is not there", func(p *Plan) error {
			_, err := p.Input("text", dir+"/none")
			return err
		}, "hash text: look at input: stat " + dir + "/none"},
		{"another stage's spec", func(p *Plan) error {
			_, err := p.Add(countStage, "c", topSpec{})
			return err
		}, "plan count c: the spec is a pipeline.topSpec, the stage takes a pipeline.countSpec"},
		{"a spec that is no JSON", func(p *Plan) error {
			_, err := p.Add(NewStage("x", 1, writeEmpty[noJSON]), "c", noJSON{})
			return err
		}, "encode spec"},
		{"a spec that loses a field", func(p *Plan) error {
			_, err := p.Add(NewStage("x", 1, writeEmpty[shadowedSpec]), "c", shadowedSpec{shadowedPart{1}, 2})
			return err
		}, "does not survive JSON"},
		{"inputs without an order", func(p *Plan) error {
			_, err := p.Add(NewStage("x", 1, writeEmpty[inMap]), "c", inMap{map[string]Artefact{}})
			return err
		}, "have no order"},
		{"a stage name with a separator", func(p *Plan) error {
			_, err := p.Add(NewStage("../x", 1, writeEmpty[int]), "c", 0)
			return err
		}, `stage name "../x"`},
		{"two stages of one name", func(p *Plan) error {
			if _, err := p.Add(NewStage("x", 1, writeEmpty[int]), "c", 1); err != nil {
				return err
			}
			_, err := p.Add(NewStage("x", 1, writeEmpty[int]), "c", 2)
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
	plan := wordPlan(t, store, texts, countSpec{}, false)
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
		if _, hit, err := worker.Perform(t.Context(), &read, nil); hit || err != nil {
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
	type spec struct {
		Name  string
		Model *Input
		Of    []Artefact
	}
	dir, plan, stage := t.TempDir(), NewPlan(nil, nil), NewStage("count", 1, writeEmpty[spec])
	texts := corpus(t, dir, 2)
	add := func(label, path string, of ...Artefact) Artefact {
		t.Helper()
		s := spec{Name: label, Of: of}
		if path != "" {
			in, err := plan.Input("text", path)
			if err != nil {
				t.Fatal(err)
			}
			s.Model = &in
		}
		made, err := plan.Add(stage, label, s)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	zero, one, random := add("zero", texts[0]), add("one", texts[1]), add("random", "")
	both := add("both", "", zero, one)
	add("model and shard", dir, one)
	add("perturbation, model and shard", dir, random, both, zero)
	add("perturbation and model", dir, both)
	want := map[string]string{"zero": "text-0.txt", "one": "text-1.txt", "model and shard": "text-1.txt",
		"perturbation, model and shard": "text-0.txt"}
	for _, task := range plan.Tasks() {
		if task.Shard != want[task.Label] {
			t.Errorf("%s: shard %q, want %q", task.Label, task.Shard, want[task.Label])
		}
	}
}
