package pipeline

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upi/pipeline/progress"
)

func statuses(r *Result) map[progress.Status]int {
	n := map[progress.Status]int{}
	for _, t := range r.Tasks {
		n[t.Status]++
	}
	return n
}

func topOf(t *testing.T, r *Result) string {
	t.Helper()
	last := r.Tasks[len(r.Tasks)-1]
	if last.Artefact == nil {
		t.Fatalf("the last task was %s: %v", last.Status, last.Err)
	}
	text, err := os.ReadFile(filepath.Join(last.Artefact.Dir(), "tables", "top.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLocalRunsOnceAndHitsAfterwards(t *testing.T) {
	texts := corpus(t, t.TempDir(), 6)
	var want string
	for _, workers := range []int{1, 2, 7} {
		store := openStore(t, t.TempDir())
		plan := wordPlan(t, store, texts, countSpec{}, false)
		local := &Local{Store: store, Workers: workers}
		first, err := local.Execute(t.Context(), plan, progress.Silent{})
		if err != nil {
			t.Fatal(err)
		}
		if n := statuses(first); n[progress.Done] != 8 {
			t.Errorf("workers %d: first run: %v", workers, n)
		}
		second, err := local.Execute(t.Context(), plan, progress.Silent{})
		if err != nil {
			t.Fatal(err)
		}
		if n := statuses(second); n[progress.Hit] != 8 {
			t.Errorf("workers %d: second run: %v", workers, n)
		}
		got := topOf(t, second)
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("workers %d: got %q, want %q", workers, got, want)
		}
	}
}

func TestLocalFailure(t *testing.T) {
	texts := corpus(t, t.TempDir(), 4)
	os.WriteFile(texts[1], []byte("fine\nBROKEN\n"), 0o666)
	os.WriteFile(texts[2], []byte("POISON"), 0o666)
	store := openStore(t, t.TempDir())

	strict := wordPlan(t, store, texts, countSpec{}, false)
	_, err := (&Local{Store: store, Workers: 1}).Execute(t.Context(), strict, progress.Silent{})
	var task *TaskError
	if !errors.As(err, &task) || task.Label != "text-1.txt" || !strings.Contains(err.Error(), "line 2 is broken") {
		t.Errorf("got %v", err)
	}

	lenient := wordPlan(t, store, texts, countSpec{}, true)
	r, err := (&Local{Store: store, Workers: 2, KeepGoing: true}).Execute(t.Context(), lenient, progress.Silent{})
	var partial *PartialError
	if !errors.As(err, &partial) || len(partial.Failed) != 2 || partial.Skipped != 0 {
		t.Fatalf("got %v", err)
	}
	var panicked *PanicError
	if !errors.As(err, &panicked) {
		t.Errorf("the panic is not among the failures: %v", err)
	}
	if top := topOf(t, r); !strings.Contains(top, "missing: count text-1.txt\t1") {
		t.Errorf("the missing parent is not told: %q", top)
	}
}

func TestLocalCancelled(t *testing.T) {
	texts := corpus(t, t.TempDir(), 4)
	store := openStore(t, t.TempDir())
	plan := wordPlan(t, store, texts, countSpec{Pause: 20}, false)
	ctx, cancel := context.WithCancel(t.Context())
	watch := &cancelAfter{Silent: progress.Silent{}, cancel: cancel}
	r, err := (&Local{Store: store, Workers: 2}).Execute(ctx, plan, watch)
	var interrupted *InterruptedError
	if !errors.As(err, &interrupted) || !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if n := statuses(r); n[progress.Failed] != 0 || n[progress.Skipped] == 0 {
		t.Errorf("got %v", n)
	}
}

// cancelAfter cancels at the first sign of progress.
type cancelAfter struct {
	progress.Silent
	cancel func()
}

func (c *cancelAfter) Advance(progress.Task, int64, int64) { c.cancel() }
