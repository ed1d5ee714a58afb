package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"upi/pipeline/cache"
	"upi/pipeline/progress"
)

// TestStoredPlan: a task that is read from files is the task of the plan, with its key.
func TestStoredPlan(t *testing.T) {
	store := openStore(t, t.TempDir())
	plan := wordPlan(t, store, corpus(t, t.TempDir(), 4), countSpec{Pause: 1}, false)
	plan.Tasks()[1].Transient = true
	dir := t.TempDir()
	if err := plan.Store(dir); err != nil {
		t.Fatal(err)
	}
	stored, err := OpenPlan(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer stored.Close()
	if stored.Len() != len(plan.Tasks()) {
		t.Fatalf("%d tasks, want %d", stored.Len(), len(plan.Tasks()))
	}
	for i, want := range plan.Tasks() {
		got, err := stored.Task(i)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("task %d: got %+v, %v, want %+v", i, got, err, want)
		}
	}
	if _, err := stored.Task(stored.Len()); err == nil {
		t.Error("a task after the last was read")
	}
	// Files that were changed are told by the keys.
	records, err := os.ReadFile(filepath.Join(dir, tasksFile))
	if err != nil {
		t.Fatal(err)
	}
	records[len(records)/2+8] ^= 1
	if err := os.WriteFile(filepath.Join(dir, tasksFile), records, 0o666); err != nil {
		t.Fatal(err)
	}
	changed, err := OpenPlan(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer changed.Close()
	wrong := 0
	for i, want := range plan.Tasks() {
		got, err := changed.Task(i)
		if err != nil {
			wrong++
		} else if got.Key != want.Key {
			t.Errorf("task %d was read with another key", i)
		}
	}
	if wrong == 0 {
		t.Skip("the byte that was changed is in a label, which is not part of the key")
	}
}

// TestRest: without the tasks that have failed, a task is what Local runs then, and it is lost where Local skips it.
func TestRest(t *testing.T) {
	texts := corpus(t, t.TempDir(), 4)
	if err := os.WriteFile(texts[1], []byte("fine\nBROKEN\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	store := openStore(t, t.TempDir())
	plan := wordPlan(t, store, texts, countSpec{}, true)
	r, err := (&Local{Store: store, Workers: 1, KeepGoing: true}).Execute(t.Context(), plan, progress.Silent{})
	var partial *PartialError
	if !errors.As(err, &partial) {
		t.Fatalf("got %v", err)
	}
	dir := t.TempDir()
	if err := plan.Store(dir); err != nil {
		t.Fatal(err)
	}
	stored, err := OpenPlan(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer stored.Close()
	var gone []int
	for i, task := range r.Tasks {
		if task.Artefact == nil {
			gone = append(gone, i)
		}
	}
	rest := stored.Without(gone)
	rekeyed := 0
	for i, task := range r.Tasks {
		got, err := rest.Task(i)
		if err != nil || !reflect.DeepEqual(got, task.Task) {
			t.Errorf("task %d: got %+v, %v, want %+v", i, got, err, task.Task)
		}
		if lost, err := rest.Lost(i); lost != (task.Status == progress.Skipped) || err != nil {
			t.Errorf("task %d, which was %s: lost %v, %v", i, task.Status, lost, err)
		}
		if task.Task.Key != plan.Tasks()[i].Key {
			rekeyed++
		}
	}
	if rekeyed == 0 {
		t.Error("no task has another key: the test does not test")
	}
}

// TestLedger: an account of tasks that ended elsewhere is the result of Local, with workers and tries.
func TestLedger(t *testing.T) {
	store := openStore(t, t.TempDir())
	plan := wordPlan(t, store, corpus(t, t.TempDir(), 3), countSpec{}, true)
	l := NewLedger(plan, progress.Silent{}, true)
	end := func(i int, err error) {
		e := Ending{Worker: "m/1", Elapsed: time.Second, Memory: int64(i), Err: err}
		if err == nil {
			e.Artefact = &cache.Artefact{Key: l.Task(i).Key}
		}
		l.End(i, e)
	}
	l.Tried(0, "m/2", errors.New("no such shard"))
	end(0, nil)
	end(0, errors.New("an end that comes too late"))
	broken := errors.New("broken")
	end(1, broken)
	end(2, nil)
	last := len(plan.Tasks()) - 1
	for i := 3; i <= last; i++ {
		end(i, nil)
	}
	r, err := l.Conclude(nil)
	var partial *PartialError
	if !errors.As(err, &partial) || len(partial.Failed) != 1 || !errors.Is(partial.Failed[0], broken) {
		t.Fatalf("got %v", err)
	}
	if got := r.Tasks[0]; got.Status != progress.Done || got.Worker != "m/1" || !reflect.DeepEqual(got.Tries, []Try{{Worker: "m/2", Error: "no such shard"}}) {
		t.Errorf("got %+v", got)
	}
	if r.Tasks[last].Task.Key == plan.Tasks()[last].Key {
		t.Error("the last task has the key of one that reads all")
	}
	strict := NewLedger(plan, progress.Silent{}, false)
	strict.End(1, Ending{Err: broken})
	if strict.Stopped() == nil {
		t.Error("a failure does not stop the run")
	}
	if _, err := strict.Conclude(nil); !errors.Is(err, broken) || ExitCode(err) != ExitFailed {
		t.Errorf("got %v", err)
	}
}
