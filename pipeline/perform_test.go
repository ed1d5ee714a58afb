package pipeline

import (
	"errors"
	"testing"

	"upi/pipeline/lock"
)

// TestTryPerform: a task that another process works on is left alone, and not waited for.
func TestTryPerform(t *testing.T) {
	store := openStore(t, t.TempDir())
	plan := wordPlan(t, store, corpus(t, t.TempDir(), 1), countSpec{}, false)
	task, w := plan.Tasks()[0], &Worker{Stages: plan.Stages(), Store: store}
	works, err := store.TryLock(task.Key)
	if err != nil {
		t.Fatal(err)
	}
	var held *lock.HeldError
	if a, _, err := w.TryPerform(t.Context(), task, nil); a != nil || !errors.As(err, &held) {
		t.Fatalf("got %v, %v", a, err)
	}
	if err := works.Release(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{false, true} {
		a, hit, err := w.TryPerform(t.Context(), task, nil)
		if err != nil || a.Key != task.Key || hit != want {
			t.Errorf("got %v, hit %v, %v", a, hit, err)
		}
	}
}
