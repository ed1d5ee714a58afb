package pipeline

import (
	"container/heap"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"upi/pipeline/cache"
	"upi/pipeline/progress"
)

// board is what the workers share: which tasks wait, run and are done.
type board struct {
	plan      *Plan
	report    progress.Reporter
	keepGoing bool
	stop      context.CancelCauseFunc
	memory    *memoryWatch

	mu     sync.Mutex
	change *sync.Cond
	result *Result
	// waiting counts the parents of each task that have not ended.
	waiting  []int32
	children children
	ready    queue
	left     int // tasks that have not ended
	active   map[string]int
	actual   map[Key]Key    // planned key -> key as run, where they differ
	failed   map[Key]string // planned key -> label
	// spared are transient tasks whose artefact nothing will read.
	spared []bool
	// readers counts of each task those that read its artefact and are not done; spent are transient artefacts that have none left.
	readers []int32
	spent   []cache.Name
}

func newBoard(plan *Plan, report progress.Reporter, keepGoing bool, stop context.CancelCauseFunc) *board {
	n := len(plan.tasks)
	b := &board{plan: plan, report: report, keepGoing: keepGoing, stop: stop,
		result:  &Result{Started: time.Now(), Tasks: make([]TaskResult, n)},
		waiting: make([]int32, n), children: newChildren(plan), left: n,
		active: map[string]int{}, actual: map[Key]Key{}, failed: map[Key]string{}}
	b.change, b.spared, b.readers = sync.NewCond(&b.mu), make([]bool, n), make([]int32, n)
	for i, t := range plan.tasks {
		b.result.Tasks[i] = TaskResult{Task: t, Status: progress.Skipped}
		b.waiting[i], b.readers[i] = int32(len(t.Parents)), int32(len(b.children.at(i)))
		if len(t.Parents) == 0 {
			heap.Push(&b.ready, int32(i))
		}
	}
	return b
}

// children lists for each task those that read its artefact: for task i
// of[from[i]:from[i+1]].
type children struct{ from, of []int32 }

func newChildren(plan *Plan) children {
	c := children{from: make([]int32, len(plan.tasks)+1)}
	for _, t := range plan.tasks {
		for _, p := range t.Parents {
			c.from[plan.index[p.Key]+1]++
		}
	}
	for i := range plan.tasks {
		c.from[i+1] += c.from[i]
	}
	c.of = make([]int32, c.from[len(plan.tasks)])
	next := slices.Clone(c.from)
	for i, t := range plan.tasks {
		for _, p := range t.Parents {
			parent := plan.index[p.Key]
			c.of[next[parent]] = int32(i)
			next[parent]++
		}
	}
	return c
}

func (c children) at(i int) []int32 { return c.of[c.from[i]:c.from[i+1]] }

// queue is a heap of tasks: the first in the order of the plan is on top.
type queue []int32

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i] < q[j] }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(int32)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}

func (b *board) stages() []progress.Stage {
	count, work := map[string]int{}, map[string]float64{}
	for _, t := range b.plan.tasks {
		count[t.Stage]++
		work[t.Stage] += t.Estimate.Work
	}
	var stages []progress.Stage
	for _, name := range b.plan.StageNames() {
		stages = append(stages, progress.Stage{Name: name, Tasks: count[name], Work: work[name], Pace: b.plan.paces.stages[name]})
	}
	return stages
}

func (b *board) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.change.Broadcast()
}

// running names the stages that have a task running.
func (b *board) running() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for name, n := range b.active {
		if n > 0 {
			names = append(names, name)
		}
	}
	return names
}

// next waits for a task that can run: the first in the order of the plan.
func (b *board) next(ctx context.Context) (int, *Task, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if ctx.Err() != nil || b.left == 0 {
			return 0, nil, false
		}
		if len(b.ready) > 0 {
			i := int(heap.Pop(&b.ready).(int32))
			planned := b.plan.tasks[i]
			t := planned.rekey(b.actual, b.failed)
			if t.Key != planned.Key {
				b.actual[planned.Key] = t.Key
			}
			b.active[t.Stage]++
			return i, t, true
		}
		b.change.Wait()
	}
}

// done notes how a task ended that next has given out.
func (b *board) done(ctx context.Context, i int, r TaskResult, hit bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.active[r.Task.Stage]--
	switch {
	case r.Err == nil && hit:
		r.Status = progress.Hit
	case r.Err == nil:
		r.Status = progress.Done
	case ctx.Err() != nil && (errors.Is(r.Err, ctx.Err()) || errors.Is(r.Err, context.Cause(ctx))):
		// Dropped because the run is stopping, not failed by itself.
		r.Status = progress.Skipped
	default:
		r.Status = progress.Failed
	}
	b.end(i, r)
}

// end notes the result of a task and sets free, or skips, what waits for it.
func (b *board) end(i int, r TaskResult) {
	b.result.Tasks[i] = r
	b.left--
	o := progress.Outcome{Status: r.Status, Elapsed: r.Elapsed, Err: r.Err}
	if r.Artefact != nil {
		o.Images = r.Artefact.Counts[CountImages]
	}
	b.report.Finish(r.Task.name(), o)
	planned := b.plan.tasks[i]
	if r.Status == progress.Failed || r.Status == progress.Skipped {
		b.failed[planned.Key] = planned.Label
	} else {
		b.read(planned)
	}
	if r.Status == progress.Failed && !b.keepGoing {
		b.stop(&TaskError{r.Task.Stage, r.Task.Label, r.Err})
	}
	for _, child := range b.children.at(i) {
		b.waiting[child]--
		if b.waiting[child] > 0 {
			continue
		}
		if b.lost(int(child)) {
			b.end(int(child), TaskResult{Task: b.plan.tasks[child], Status: progress.Skipped})
			continue
		}
		heap.Push(&b.ready, child)
	}
	b.change.Broadcast()
}

// read notes that a task is done and needs its parents no more.
func (b *board) read(t *Task) {
	for _, p := range t.Parents {
		i := b.plan.index[p.Key]
		if b.readers[i]--; b.readers[i] > 0 || !b.plan.tasks[i].Transient {
			continue
		}
		key := p.Key
		if actual, other := b.actual[key]; other {
			key = actual
		}
		b.spent = append(b.spent, cache.Name{Stage: p.Stage, Key: key})
	}
}

// takeSpent hands out the transient artefacts that nothing will read any more, each once.
func (b *board) takeSpent() []cache.Name {
	b.mu.Lock()
	defer b.mu.Unlock()
	spent := b.spent
	b.spent = nil
	return spent
}

// lost reports whether a task cannot run for want of a parent: one that it must
// have, or all of them.
func (b *board) lost(i int) bool {
	parents := b.plan.tasks[i].Parents
	some := len(parents) == 0
	for _, p := range parents {
		_, gone := b.failed[p.Key]
		if gone && !p.Optional {
			return true
		}
		some = some || !gone
	}
	return !some
}

// conclude says how the whole ended; cause is why it was stopped, if it was.
func (b *board) conclude(cause error) error {
	var failed []*TaskError
	skipped, ended := 0, 0
	for i, r := range b.result.Tasks {
		switch r.Status {
		case progress.Failed:
			failed = append(failed, &TaskError{r.Task.Stage, r.Task.Label, r.Err})
		case progress.Skipped:
			skipped++
		case progress.Done, progress.Hit:
			if len(b.children.at(i)) == 0 {
				ended++
			}
		}
	}
	var first *TaskError
	switch {
	case len(failed)+skipped == 0:
		return nil
	case errors.As(cause, &first):
		return first
	case cause != nil:
		total := len(b.result.Tasks)
		return &InterruptedError{Done: total - skipped - len(failed), Total: total, Cause: cause}
	case ended == 0:
		return failed[0]
	}
	return &PartialError{Failed: failed, Skipped: skipped}
}
