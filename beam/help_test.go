package beam

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"upi/pipeline"
	"upi/pipeline/cache"
	"upi/pipeline/progress"
)

func always() bool { return true }

// told are the events of a worker about tasks, in their order.
func told(t *testing.T, p *performer) []string {
	t.Helper()
	if err := p.events.flush(); err != nil {
		t.Fatal(err)
	}
	var all []string
	err := newEventReader(p.job).poll(func(_ *eventFile, e event) {
		if e.Kind == doneEvent || e.Kind == failEvent {
			all = append(all, fmt.Sprintf("%s %d hit:%v", e.Kind, e.Task, e.Hit))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func helped(t *testing.T, p *performer, willing func() bool) {
	t.Helper()
	var running sync.WaitGroup
	if err := p.help(t.Context(), 0, &running, willing); err != nil {
		t.Fatal(err)
	}
	running.Wait()
}

// TestHelp: a worker with nothing left runs those tasks of the level that are neither done nor in the works, from the last.
func TestHelp(t *testing.T) {
	plan := wordPlan(t, []string{"a", "b", "c", "d", "e"}, 0)
	p := workerOf(t, plan)
	works, err := p.worker.Store.TryLock(plan.Tasks()[3].Key) // as another worker does that has begun it
	if err != nil {
		t.Fatal(err)
	}
	defer works.Release()
	if o := p.tryPerform(0, 1); o != done {
		t.Fatalf("outcome %v", o)
	}
	helped(t, p, func() bool { return false })
	if o := p.tryPerform(0, 3); o != held || has(t, p, 4) {
		t.Fatalf("outcome %v of a task in the works, and help by the unwilling: %v", o, told(t, p))
	}
	helped(t, p, always)
	if got, want := fmt.Sprint(told(t, p)), "[done 1 hit:false done 4 hit:false done 2 hit:false done 0 hit:false]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if o := p.tryPerform(0, 0); o != found {
		t.Errorf("outcome %v of a task that is done", o)
	}
}

// TestHelpEnds: a machine that fails a task does no more for others, and one that can run nothing does nothing.
func TestHelpEnds(t *testing.T) {
	p := workerOf(t, wordPlan(t, []string{"a", "b", "broken"}, 0))
	helped(t, p, always)
	if got := fmt.Sprint(told(t, p)); got != "[fail 2 hit:false]" {
		t.Errorf("got %s", got)
	}
	p = workerOf(t, wordPlan(t, []string{"a"}, 0))
	p.broken = context.Canceled
	helped(t, p, always)
	if got := told(t, p); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

// TestPutOff: a task that another process works on keeps no slot from the tasks after it, and is looked for at the end.
func TestPutOff(t *testing.T) {
	plan := wordPlan(t, []string{"a", "b"}, 0)
	p := workerOf(t, plan)
	works, err := p.worker.Store.TryLock(plan.Tasks()[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	f := &performFn{Job: p.job.dir, performer: p}
	for number := range int64(2) {
		if err := f.ProcessElement(t.Context(), number, nil); err != nil {
			t.Fatal(err)
		}
	}
	f.running.Wait()
	if has(t, p, 0) || !has(t, p, 1) {
		t.Fatalf("got %v", told(t, p))
	}
	time.AfterFunc(100*time.Millisecond, func() { works.Release() }) // the other process has died
	if err := f.FinishBundle(t.Context(), func(failure string) { t.Errorf("failure %s", failure) }); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(told(t, p)); got != "[done 1 hit:false done 0 hit:false]" {
		t.Errorf("got %s", got)
	}
}

// TestWhoMadeIt: a worker that finds a task's artefact may tell so before the one that has made it.
func TestWhoMadeIt(t *testing.T) {
	plan := wordPlan(t, []string{"a", "b"}, 0)
	store := openStore(t)
	f := followerOf(&Executor{Store: store, Log: slog.New(slog.DiscardHandler)}, plan)
	f.job = &Job{Levels: [][]int{{0, 1}}}
	f.of = map[int]int{0: 0, 1: 0}
	a, b := &eventFile{worker: "one/1"}, &eventFile{worker: "two/1"}
	start := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	f.take(a, event{Kind: doneEvent, Task: 0, Hit: true, Key: plan.Tasks()[0].Key})
	f.take(a, event{Kind: doneEvent, Task: 1, Hit: true, Key: plan.Tasks()[1].Key})
	f.take(b, event{Kind: doneEvent, Task: 0, Key: plan.Tasks()[0].Key, Started: start, Elapsed: time.Second})
	f.endHits()
	r, _ := f.ledger.Conclude(context.Canceled)
	if got := r.Tasks[0]; got.Status != progress.Done || got.Worker != "two/1" || got.Started != start || got.Elapsed != time.Second {
		t.Errorf("got %+v", got)
	}
	if got := r.Tasks[1]; got.Status != progress.Hit || got.Worker != "one/1" {
		t.Errorf("got %+v", got)
	}
}

// TestStay: a worker stays until the driver has seen all levels end.
func TestStay(t *testing.T) {
	p := workerOf(t, wordPlan(t, []string{"a"}, 0))
	f := &stayFn{Job: p.job.dir, performer: p}
	left := make(chan error, 1)
	go func() { left <- f.ProcessElement(t.Context(), 0, nil) }()
	select {
	case <-left:
		t.Fatal("it has left while the job goes on")
	case <-time.After(50 * time.Millisecond):
	}
	if err := p.job.alive(1, true); err != nil {
		t.Fatal(err)
	}
	if err := <-left; err != nil {
		t.Error(err)
	}
}

// TestLongestFirst: tasks of much work come first in their level; those of the same keep their order.
func TestLongestFirst(t *testing.T) {
	work := []float64{1, 5, 0, 5, 2, 7}
	var tasks []*pipeline.Task
	for _, w := range work {
		tasks = append(tasks, &pipeline.Task{Estimate: pipeline.Estimate{Work: w}, Key: cache.Key(fmt.Sprint(w))})
	}
	levels := [][]int{{0, 1, 2, 3}, {4, 5}}
	longestFirst(levels, tasks)
	if got := fmt.Sprint(levels); got != "[[1 3 0 2] [5 4]]" {
		t.Errorf("got %s", got)
	}
}
