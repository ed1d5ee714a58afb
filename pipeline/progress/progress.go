// Package progress shows how far a run is: a bar on a terminal, log lines
// elsewhere.
package progress

import "time"

// Task names a task for people's eyes.
type Task struct {
	Stage string
	Label string
	// Shard is the name of the file that the task is about, empty if there is no
	// such file.
	Shard string
	// Work is how much it computes, in the unit of the run; 0 where that is next to nothing, or not known.
	Work float64
}

// Stage is a stage of a run and its number of tasks.
type Stage struct {
	Name  string
	Tasks int
	// Work is that of all its tasks together.
	Work float64
	// Pace is how many seconds it took in an earlier run for each unit of work (of each task, where Work is 0); 0 if that is not known.
	Pace float64
}

// Status is how a task ended.
type Status string

// The ways in which a task ends.
const (
	Done    Status = "done"    // it ran
	Hit     Status = "hit"     // its artefact was in the cache
	Failed  Status = "failed"  // it ran and ended in an error
	Skipped Status = "skipped" // a task that it needs failed, or the run was stopped
)

// Outcome is how a task ended.
type Outcome struct {
	Status  Status
	Elapsed time.Duration
	// Images is the number of images that the task worked on, if it counts any.
	Images int64
	Err    error
}

// Reporter is told of a run as it goes on, by several goroutines at once.
type Reporter interface {
	// Begin gives the stages in the order of the plan.
	Begin(stages []Stage)
	Start(t Task)
	// Advance says that done of total parts of a running task are done.
	Advance(t Task, done, total int64)
	Finish(t Task, o Outcome)
	// End is called once, after the last Finish.
	End()
}

// Silent reports nothing.
type Silent struct{}

// Begin implements [Reporter].
func (Silent) Begin([]Stage) {}

// Start implements [Reporter].
func (Silent) Start(Task) {}

// Advance implements [Reporter].
func (Silent) Advance(Task, int64, int64) {}

// Finish implements [Reporter].
func (Silent) Finish(Task, Outcome) {}

// End implements [Reporter].
func (Silent) End() {}
