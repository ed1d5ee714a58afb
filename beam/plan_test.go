package beam

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"upi/pipeline"
	"upi/pipeline/cache"
)

// A wordSpec is the task of the tests: it fails where it is told to, or writes the words of those that it reads.
type wordSpec struct {
	Word  string
	Pause int
	Reads []pipeline.Artefact
	Maybe []pipeline.Optional
}

var words = pipeline.NewStage("words", 1, func(ctx context.Context, job *pipeline.Job, spec wordSpec) error {
	text := spec.Word
	read := func(a pipeline.Artefact) error {
		more, err := os.ReadFile(filepath.Join(job.Dir(a), "words"))
		text += " " + string(more)
		return err
	}
	for _, a := range spec.Reads {
		if err := read(a); err != nil {
			return err
		}
	}
	for _, o := range spec.Maybe {
		if a, ok := o.Get(); ok {
			if err := read(a); err != nil {
				return err
			}
		}
	}
	select {
	case <-time.After(time.Duration(spec.Pause) * time.Millisecond):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if strings.HasPrefix(spec.Word, "broken") {
		return fmt.Errorf("%s is broken", spec.Word)
	}
	job.Count("images", int64(len(text)))
	return os.WriteFile(filepath.Join(job.Out, "words"), []byte(text), 0o666)
})

// wordPlan plans a task for each word, one for every two of them, and one for all, which can do without some.
func wordPlan(t *testing.T, list []string, pause int) *pipeline.Plan {
	t.Helper()
	plan := pipeline.NewPlan(pipeline.Environment{"device": "none"}, nil)
	add := func(spec wordSpec, options ...pipeline.Option) pipeline.Artefact {
		a, err := plan.Add(words, spec.Word, spec, options...)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	var single []pipeline.Artefact
	for _, w := range list {
		single = append(single, add(wordSpec{Word: w, Pause: pause}))
	}
	var pairs []pipeline.Optional
	for i := 0; i+1 < len(single); i += 2 {
		a := add(wordSpec{Word: fmt.Sprint("pair", i), Reads: single[i : i+2]})
		pairs = append(pairs, pipeline.IfThere(a))
	}
	add(wordSpec{Word: "all", Maybe: pairs}, pipeline.Published())
	return plan
}

func openStore(t *testing.T) *cache.Store {
	t.Helper()
	s, err := cache.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// textOf is what the last task has written.
func textOf(t *testing.T, r *pipeline.Result) string {
	t.Helper()
	last := r.Tasks[len(r.Tasks)-1]
	if last.Artefact == nil {
		t.Fatalf("the last task was %s: %v", last.Status, last.Err)
	}
	text, err := os.ReadFile(filepath.Join(last.Artefact.Dir(), "words"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLevels(t *testing.T) {
	plan := wordPlan(t, []string{"a", "b", "c", "d"}, 0)
	none := func(int) bool { return false }
	got := fmt.Sprint(levels(plan.Tasks(), none))
	if want := "[[0 1 2 3] [4 5] [6]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// What is done makes no level, and the rest moves up.
	got = fmt.Sprint(levels(plan.Tasks(), func(i int) bool { return i < 4 && i != 2 }))
	if want := "[[2 4] [5] [6]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := levels(plan.Tasks(), func(int) bool { return true }); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

// TestConclusionsStay: what a level came to is written once, whatever a second attempt of the job finds.
func TestConclusionsStay(t *testing.T) {
	j := &Job{dir: t.TempDir()}
	if _, concluded, err := j.gone(0); concluded || err != nil {
		t.Fatalf("concluded %v, %v", concluded, err)
	}
	if got, err := j.conclude(0, []int{3}); fmt.Sprint(got) != "[3]" || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := j.conclude(0, []int{4, 5}); fmt.Sprint(got) != "[3]" || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestEvents: lines come whole, in their order, each once, whenever they are looked for.
func TestEvents(t *testing.T) {
	j := &Job{dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(j.dir, eventsDir), 0o777); err != nil {
		t.Fatal(err)
	}
	w, err := newEventWriter(j, "a", "machine/1", "machine")
	if err != nil {
		t.Fatal(err)
	}
	r := newEventReader(j)
	var got []string
	look := func() {
		t.Helper()
		if err := r.poll(func(from *eventFile, e event) {
			got = append(got, fmt.Sprintf("%s %s %d", from.worker, e.Kind, e.Task))
		}); err != nil {
			t.Fatal(err)
		}
	}
	look()
	w.write(event{Kind: doneEvent, Task: 7})
	look() // not yet flushed
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.file.WriteString(`{"k":"fail"`); err != nil { // as a network file system may show it
		t.Fatal(err)
	}
	look()
	look()
	if _, err := w.file.WriteString(`,"n":8}` + "\n"); err != nil {
		t.Fatal(err)
	}
	look()
	want := "[machine/1 hello 0 machine/1 done 7 machine/1 fail 8]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// TestGPUs: no two workers have the same GPU, and one that finds too few says how many there are.
func TestGPUs(t *testing.T) {
	folder := t.TempDir()
	present := []string{"0", "1", "GPU-ab/2"}
	first, err := takeGPUs(2, present, folder)
	if err != nil || first.Names() != "0,1" {
		t.Fatalf("got %v, %v", first, err)
	}
	if _, err := takeGPUs(2, present, folder); err == nil || !strings.Contains(err.Error(), "1 are free") {
		t.Errorf("got %v", err)
	}
	second, err := takeGPUs(1, present, folder)
	if err != nil || second.Names() != "GPU-ab/2" {
		t.Fatalf("got %v, %v", second, err)
	}
	first.Release()
	third, err := takeGPUs(1, present, folder)
	if err != nil || third.Names() != "0" {
		t.Errorf("got %v, %v", third, err)
	}
}

func TestPresentGPUs(t *testing.T) {
	dev := t.TempDir()
	for _, name := range []string{"nvidia10", "nvidia2", "nvidia0", "nvidiactl", "nvidia0-x"} {
		if err := os.WriteFile(filepath.Join(dev, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(visibleGPUs, "")
	os.Unsetenv(visibleGPUs)
	if got := fmt.Sprint(presentGPUs(dev)); got != "[0 2 10]" {
		t.Errorf("got %s", got)
	}
	t.Setenv(visibleGPUs, "3,GPU-1")
	if got := fmt.Sprint(presentGPUs(dev)); got != "[3 GPU-1]" {
		t.Errorf("got %s", got)
	}
	t.Setenv(visibleGPUs, "-1")
	if got := presentGPUs(dev); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

// workerOf is a worker of a cluster for a plan of which nothing is done.
func workerOf(t *testing.T, plan *pipeline.Plan) *performer {
	t.Helper()
	store := openStore(t)
	dir, err := newJobDir(store.Root())
	if err != nil {
		t.Fatal(err)
	}
	j := &Job{Cache: store.Root(), Workers: 1, Cluster: true, Levels: levels(plan.Tasks(), func(int) bool { return false }), dir: dir}
	if err := errors.Join(plan.Store(dir), j.write(), j.alive(0, false)); err != nil {
		t.Fatal(err)
	}
	p, err := newPerformer(j, func(*Job) (pipeline.Stages, error) { return plan.Stages(), nil })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// has reports whether a task of the first level has its artefact.
func has(t *testing.T, p *performer, number int) bool {
	t.Helper()
	is, err := p.isDone(0, number)
	if err != nil {
		t.Fatal(err)
	}
	return is
}

// TestAnother: a task that has failed on a machine is tried on another one, at most two, and not where it has failed.
func TestAnother(t *testing.T) {
	p := workerOf(t, wordPlan(t, []string{"a", "b"}, 0))
	dir, has := p.job.dir, func(number int) bool { return has(t, p, number) }
	p.another(0, 0, p.host, "scope")
	if has(0) {
		t.Error("the machine that has failed has tried again")
	}
	p.another(0, 0, "elsewhere", "scope")
	if !has(0) {
		t.Error("another machine has not tried")
	}
	for _, host := range []string{"one", "two"} { // which have tried before
		if err := os.WriteFile(filepath.Join(dir, triesDir, "scope-1-"+host), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	p.another(0, 1, "elsewhere", "scope")
	if has(1) {
		t.Error("a third machine has tried")
	}
}
