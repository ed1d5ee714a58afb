package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"upi/pipeline/cache"
	"upi/pipeline/progress"
)

// Local runs tasks in goroutines of this process.
type Local struct {
	Store *cache.Store
	// Workers is the number of tasks that run at once; 0 is one per core.
	Workers int
	// KeepGoing goes on with what does not need a failed task.
	KeepGoing bool
	// Refresh runs every task, whatever the cache holds.
	Refresh bool
	// Disk keeps the run from filling the disk; nil lets it.
	Disk *Disk
	// Log takes what is out of the ordinary; nil is silent.
	Log *slog.Logger
}

// Execute implements [Executor]. The first failure stops the run unless
// KeepGoing is set. It returns after the last stage has returned.
func (l *Local) Execute(ctx context.Context, plan *Plan, report progress.Reporter) (*Result, error) {
	workers := l.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	b := newBoard(plan, report, l.KeepGoing, stop)
	if !l.Refresh {
		var err error
		if b.spared, err = Spared(plan, l.Store); err != nil {
			return b.result, err
		}
	}
	report.Begin(b.stages())
	memory := watchMemory(b.running)
	b.memory = memory

	var group sync.WaitGroup
	for range workers {
		w := &Worker{Stages: plan.stages, Store: l.Store, Refresh: l.Refresh, Disk: l.Disk, Log: l.Log}
		group.Go(func() { l.work(ctx, b, w) })
	}
	wake := context.AfterFunc(ctx, b.wake)
	group.Wait()
	wake()

	b.result.PeakMemory = memory.end()
	b.result.Finished = time.Now()
	err := b.conclude(context.Cause(ctx))
	report.End()
	return b.result, err
}

// work takes tasks from the board until there are none left.
func (l *Local) work(ctx context.Context, b *board, w *Worker) {
	for {
		i, t, ok := b.next(ctx)
		if !ok {
			return
		}
		name := t.name()
		b.report.Start(name)
		start := time.Now()
		var a *cache.Artefact
		hit, err := b.spared[i], error(nil)
		if hit {
			a, err = l.recall(t)
		} else {
			a, hit, err = w.Perform(ctx, t, func(done, total int64) { b.report.Advance(name, done, total) })
		}
		b.memory.look()
		var full *DiskError
		if errors.As(err, &full) {
			b.stop(&TaskError{t.Stage, t.Label, err}) // nothing else would fit either
		}
		b.done(ctx, i, TaskResult{Task: t, Started: start, Elapsed: time.Since(start), Artefact: a, Err: err}, hit)
		l.drop(ctx, b.takeSpent())
	}
}

// recall returns what is known of the artefact of a task that is spared; nil where even that is gone.
func (l *Local) recall(t *Task) (*cache.Artefact, error) {
	a, err := l.Store.Recall(t.Stage, t.Key)
	var damaged *cache.DamagedError
	if errors.As(err, &damaged) {
		return nil, l.Store.Remove(t.Stage, t.Key)
	}
	if a != nil {
		a.Task = nil
	}
	return a, err
}

// drop frees the disk of artefacts that nothing will read any more. The run goes on where that fails: they take space, no more.
func (l *Local) drop(ctx context.Context, spent []cache.Name) {
	if len(spent) == 0 {
		return
	}
	if _, err := l.Store.Drop(ctx, spent); err != nil && l.Log != nil && ctx.Err() == nil {
		l.Log.Warn("artefacts that nothing reads any more are still in the cache", "error", err)
	}
}
