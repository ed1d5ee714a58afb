package pipeline

import (
	"context"
	"fmt"
	"time"

	"upi/pipeline/cache"
	"upi/pipeline/progress"
)

// Executor sees to it that every task of a plan has its artefact in the cache.
type Executor interface {
	// Execute returns what became of the tasks, also beside an error. The error
	// is a [*PartialError] if some tasks failed and the rest are done, and an
	// [*InterruptedError] if ctx ended it.
	Execute(ctx context.Context, plan *Plan, report progress.Reporter) (*Result, error)
}

// Result is what became of a plan.
type Result struct {
	Started, Finished time.Time
	// Tasks are in the order of the plan.
	Tasks []TaskResult
	// PeakMemory is the most that the process held while a task of the stage
	// ran, in bytes; empty where the system does not tell.
	PeakMemory map[string]int64
}

// TaskResult is what became of one task.
type TaskResult struct {
	// Task is as it was run: its key differs from the planned one if optional
	// parents failed.
	Task   *Task
	Status progress.Status
	// Started is when it began, by the clock of the machine that ran it; zero unless it was run.
	Started time.Time
	// Elapsed is the time that this run spent on it.
	Elapsed time.Duration
	// Artefact is nil unless the status is done or hit.
	Artefact *cache.Artefact
	Err      error
	// Worker names the process that ran it, where that is not this one; Tries
	// are the failures of others before.
	Worker string
	Tries  []Try
}

// TaskError is the failure of one task.
type TaskError struct {
	Stage, Label string
	Err          error
}

func (e *TaskError) Error() string { return fmt.Sprintf("%s %s: %s", e.Stage, e.Label, e.Err) }

func (e *TaskError) Unwrap() error { return e.Err }

// PartialError says that a run is done but for some tasks.
type PartialError struct {
	Failed  []*TaskError
	Skipped int
}

func (e *PartialError) Error() string {
	s := fmt.Sprintf("%d tasks failed, %d were skipped", len(e.Failed), e.Skipped)
	for _, f := range e.Failed {
		s += "\n  " + f.Error()
	}
	return s
}

// Unwrap gives the failures.
func (e *PartialError) Unwrap() []error {
	errs := make([]error, len(e.Failed))
	for i, f := range e.Failed {
		errs[i] = f
	}
	return errs
}

// InterruptedError says that a run was stopped from outside, by a signal or a
// deadline, and can be started again to go on.
type InterruptedError struct {
	Done, Total int
	Cause       error
}

func (e *InterruptedError) Error() string {
	return fmt.Sprintf("stopped with %d of %d tasks done: %s; start the run again to go on", e.Done, e.Total, e.Cause)
}

func (e *InterruptedError) Unwrap() error { return e.Cause }
