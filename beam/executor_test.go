package beam

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upi/pipeline"
	"upi/pipeline/cache"
	"upi/pipeline/progress"
)

func onPrism(store *cache.Store, keepGoing bool) *Executor {
	return &Executor{Store: store, Name: "words", Runner: Prism, Workers: 3, KeepGoing: keepGoing, Log: slog.New(slog.DiscardHandler)}
}

func statuses(r *pipeline.Result) map[progress.Status]int {
	n := map[progress.Status]int{}
	for _, t := range r.Tasks {
		n[t.Status]++
	}
	return n
}

// TestPrism: a run on Prism is a run of [pipeline.Local], with the workers' names; the next one finds everything.
func TestPrism(t *testing.T) {
	list := []string{"a", "b", "c", "d"}
	local := openStore(t)
	want, err := (&pipeline.Local{Store: local}).Execute(t.Context(), wordPlan(t, list, 0), progress.Silent{})
	if err != nil {
		t.Fatal(err)
	}
	store := openStore(t)
	got, err := onPrism(store, false).Execute(t.Context(), wordPlan(t, list, 0), progress.Silent{})
	if err != nil {
		t.Fatal(err)
	}
	if textOf(t, got) != textOf(t, want) {
		t.Errorf("got %q, want %q", textOf(t, got), textOf(t, want))
	}
	host, _ := os.Hostname()
	for i, task := range got.Tasks {
		if task.Status != progress.Done || task.Task.Key != want.Tasks[i].Task.Key || task.Worker != fmt.Sprintf("%s/%d", host, os.Getpid()) ||
			task.Artefact.Counts["images"] != want.Tasks[i].Artefact.Counts["images"] {
			t.Errorf("task %d: %+v", i, task)
		}
	}
	if got.PeakMemory["words"] == 0 {
		t.Error("no memory was told")
	}
	again, err := onPrism(store, false).Execute(t.Context(), wordPlan(t, list, 0), progress.Silent{})
	if err != nil || statuses(again)[progress.Hit] != 7 {
		t.Errorf("the second run: %v, %v", statuses(again), err)
	}
	if left, _ := filepath.Glob(filepath.Join(store.Root(), jobsDir, "*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestPrismFailure: a failure ends a run with its error, or skips what needs it, as with [pipeline.Local].
func TestPrismFailure(t *testing.T) {
	list := []string{"a", "broken", "c", "d"}
	_, err := onPrism(openStore(t), false).Execute(t.Context(), wordPlan(t, list, 0), progress.Silent{})
	var task *pipeline.TaskError
	if !errors.As(err, &task) || task.Label != "broken" || !strings.Contains(err.Error(), "broken is broken") {
		t.Errorf("got %v", err)
	}
	for name, x := range map[string]pipeline.Executor{
		"local": &pipeline.Local{Store: openStore(t), KeepGoing: true},
		"prism": onPrism(openStore(t), true),
	} {
		r, err := x.Execute(t.Context(), wordPlan(t, list, 0), progress.Silent{})
		var partial *pipeline.PartialError
		if !errors.As(err, &partial) || len(partial.Failed) != 1 || partial.Skipped != 1 {
			t.Fatalf("%s: got %v", name, err)
		}
		if n := statuses(r); n[progress.Done] != 5 || n[progress.Failed] != 1 || n[progress.Skipped] != 1 {
			t.Errorf("%s: got %v", name, n)
		}
		if got := textOf(t, r); got != "all pair2 c d" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// cancelAfter cancels at the first task that has ended.
type cancelAfter struct {
	progress.Silent
	cancel func()
}

func (c cancelAfter) Finish(progress.Task, progress.Outcome) { c.cancel() }

// TestPrismInterrupted: a run that is interrupted says how far it came, and goes on when it is started again.
func TestPrismInterrupted(t *testing.T) {
	store := openStore(t)
	var list []string
	for i := range 40 {
		list = append(list, fmt.Sprint("w", i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := onPrism(store, false).Execute(ctx, wordPlan(t, list, 200), cancelAfter{cancel: cancel})
	var interrupted *pipeline.InterruptedError
	if !errors.As(err, &interrupted) {
		t.Fatalf("got %v", err)
	}
	if n := statuses(r); n[progress.Failed] != 0 || n[progress.Skipped] == 0 || n[progress.Done] == 0 {
		t.Errorf("got %v", n)
	}
	r, err = onPrism(store, false).Execute(t.Context(), wordPlan(t, list, 200), progress.Silent{})
	if err != nil || statuses(r)[progress.Hit] == 0 {
		t.Errorf("got %v, %v", statuses(r), err)
	}
}
