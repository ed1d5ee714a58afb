package pipeline

import (
	"context"
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
	report.Begin(b.stages())
	memory := watchMemory(b.running)
	b.memory = memory

	var group sync.WaitGroup
	for range workers {
		w := &Worker{Stages: plan.stages, Store: l.Store, Refresh: l.Refresh, Log: l.Log}
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
		a, hit, err := w.Perform(ctx, t, func(done, total int64) { b.report.Advance(name, done, total) })
		b.memory.look()
		b.done(ctx, i, TaskResult{Task: t, Elapsed: time.Since(start), Artefact: a, Err: err}, hit)
	}
}
