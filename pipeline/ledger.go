package pipeline

import (
	"context"
	"time"

	"upi/pipeline/cache"
	"upi/pipeline/manifest"
	"upi/pipeline/progress"
)

// Ledger is the account that an executor keeps of tasks which other processes
// run. Tasks have their numbers in the plan, counted from 0. It is for one
// goroutine.
type Ledger struct {
	b     *board
	ended []bool
	tries map[int][]Try
	cause error
}

// Try is a run of a task that came to nothing before another worker ran it.
type Try = manifest.Try

// Ending is how a task ended elsewhere.
type Ending struct {
	// Artefact is nil if the task failed; of an artefact that is not published
	// the counts, warnings and seconds suffice.
	Artefact *cache.Artefact
	Hit      bool
	Err      error
	Started  time.Time
	Elapsed  time.Duration
	// Worker names the process that ran the task.
	Worker string
	// Memory is what that process held, in bytes, or 0.
	Memory int64
}

// NewLedger begins an account. With keepGoing the failure of a task is not that
// of the run.
func NewLedger(plan *Plan, report progress.Reporter, keepGoing bool) *Ledger {
	l := &Ledger{ended: make([]bool, len(plan.tasks)), tries: map[int][]Try{}}
	l.b = newBoard(plan, report, keepGoing, func(cause error) {
		if l.cause == nil {
			l.cause = cause
		}
	})
	l.b.result.PeakMemory = map[string]int64{}
	report.Begin(l.b.stages())
	return l
}

// Stopped is the failure that ends the run, if there is one.
func (l *Ledger) Stopped() error { return l.cause }

// Ended reports whether a task has ended, or was skipped for want of another.
func (l *Ledger) Ended(i int) bool { return l.ended[i] || l.skipped(i) }

// skipped: the board skips tasks by itself, and an end is counted once.
func (l *Ledger) skipped(i int) bool {
	for _, p := range l.b.plan.tasks[i].Parents {
		if _, gone := l.b.failed[p.Key]; gone {
			return l.b.waiting[i] == 0 && l.b.lost(i)
		}
	}
	return false
}

// Start says that a task has begun.
func (l *Ledger) Start(i int) {
	if !l.Ended(i) {
		l.b.report.Start(l.b.plan.tasks[i].name())
	}
}

// Advance says that done of total parts of a task are done.
func (l *Ledger) Advance(i int, done, total int64) {
	if !l.Ended(i) {
		l.b.report.Advance(l.b.plan.tasks[i].name(), done, total)
	}
}

// Tried notes that a worker has failed a task, which another may try.
func (l *Ledger) Tried(i int, worker string, err error) {
	if !l.Ended(i) {
		l.tries[i] = append(l.tries[i], Try{Worker: worker, Error: err.Error()})
	}
}

// Tries are the failures of a task so far.
func (l *Ledger) Tries(i int) []Try { return l.tries[i] }

// End notes how a task ended; the first end counts. The tasks that it reads have
// ended before.
func (l *Ledger) End(i int, e Ending) {
	if l.Ended(i) {
		return
	}
	l.ended[i] = true
	t := l.Task(i)
	if planned := l.b.plan.tasks[i]; t.Key != planned.Key {
		l.b.actual[planned.Key] = t.Key
	}
	if e.Memory > 0 {
		l.b.result.PeakMemory[t.Stage] = max(l.b.result.PeakMemory[t.Stage], e.Memory)
	}
	l.b.active[t.Stage]++ // done takes one off
	r := TaskResult{Task: t, Started: e.Started, Elapsed: e.Elapsed, Artefact: e.Artefact, Err: e.Err, Worker: e.Worker, Tries: l.tries[i]}
	l.b.done(context.Background(), i, r, e.Hit)
}

// Spent hands out the transient artefacts that nothing will read any more, each
// once, for [cache.Store.Drop].
func (l *Ledger) Spent() []cache.Name { return l.b.takeSpent() }

// Task is a task as it is to be run: without those that have failed.
func (l *Ledger) Task(i int) *Task { return l.b.plan.tasks[i].rekey(l.b.actual, l.b.failed) }

// Conclude ends the account, and returns what [Executor.Execute] returns. The
// cause is why the run was stopped, if it was.
func (l *Ledger) Conclude(cause error) (*Result, error) {
	if l.cause != nil {
		cause = l.cause
	}
	l.b.result.Finished = time.Now()
	err := l.b.conclude(cause)
	l.b.report.End()
	return l.b.result, err
}
