package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"upi/pipeline/cache"
	"upi/pipeline/content"
	"upi/pipeline/lock"
)

// Worker runs single tasks. It is what an executor of any sort has in each of
// its processes.
type Worker struct {
	Stages Stages
	Store  *cache.Store
	// Refresh runs a task even if its artefact is in the cache.
	Refresh bool
	// Disk keeps the worker from filling the disk; nil lets it.
	Disk *Disk
	// Log is where the worker tells what it waits for; nil is silent.
	Log *slog.Logger
}

// PanicError is a panic of a stage.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.Value, e.Stack) }

// Perform sees to it that the artefact of a task is in the cache; hit tells that
// it was there. The artefacts of its parents must be there. Advance, which may
// be nil, is told of the progress.
func (w *Worker) Perform(ctx context.Context, t *Task, advance func(done, total int64)) (a *cache.Artefact, hit bool, err error) {
	return w.perform(ctx, t, advance, func(log *slog.Logger) (*lock.Lock, error) {
		return w.Store.Lock(ctx, t.Key, func(h lock.Holder) {
			log.Info("another run works on this task; waiting for it", "holder", h.String())
		})
	})
}

// TryPerform is Perform, but leaves a task alone that another process works on: the error is then a [*lock.HeldError].
func (w *Worker) TryPerform(ctx context.Context, t *Task, advance func(done, total int64)) (a *cache.Artefact, hit bool, err error) {
	return w.perform(ctx, t, advance, func(*slog.Logger) (*lock.Lock, error) { return w.Store.TryLock(t.Key) })
}

// perform is Perform with a way to take the lock of the task's key.
func (w *Worker) perform(ctx context.Context, t *Task, advance func(done, total int64), take func(*slog.Logger) (*lock.Lock, error)) (
	a *cache.Artefact, hit bool, err error) {
	stage, ok := w.Stages[t.Stage]
	if !ok || stage.Version != t.StageVersion {
		return nil, false, fmt.Errorf("this program has no stage %s of version %d", t.Stage, t.StageVersion)
	}
	log := w.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	log = log.With("stage", t.Stage, "task", t.Label)
	if t.Shard != "" {
		log = log.With("shard", t.Shard)
	}
	if !w.Refresh {
		if a, err := w.lookup(t, log); a != nil || err != nil {
			return a, a != nil, err
		}
	}
	held, err := take(log)
	if err != nil {
		return nil, false, Advise(err)
	}
	defer held.Release()
	if !w.Refresh { // it may be what we have waited for
		if a, err := w.lookup(t, log); a != nil || err != nil {
			return a, a != nil, err
		}
	}
	a, err = w.run(ctx, stage, t, log, advance)
	if err != nil && !w.Refresh && ctx.Err() == nil {
		// Where locks do not reach other machines, one of them may have made it meanwhile, and cleaned up behind itself.
		if made, _ := w.Store.Lookup(t.Stage, t.Key); made != nil {
			made.Task = nil
			return made, true, nil
		}
	}
	return a, false, Advise(err)
}

// lookup finds the artefact of a task, or clears a damaged one out of the way.
func (w *Worker) lookup(t *Task, log *slog.Logger) (*cache.Artefact, error) {
	a, err := w.Store.Lookup(t.Stage, t.Key)
	var damaged *cache.DamagedError
	if !errors.As(err, &damaged) {
		if a != nil {
			a.Task = nil // as large as all the rest, and at hand
		}
		return a, err
	}
	log.Warn("the cached artefact is damaged and is made again", "reason", damaged.Error())
	return nil, w.Store.Remove(t.Stage, t.Key)
}

func (w *Worker) run(ctx context.Context, stage *Stage, t *Task, log *slog.Logger, advance func(done, total int64)) (*cache.Artefact, error) {
	if err := checkFiles(t); err != nil {
		return nil, err
	}
	if w.Disk != nil {
		release, err := w.Disk.reserve(ctx, t.Estimate.Bytes)
		if err != nil {
			return nil, err
		}
		defer release()
	}
	draft, err := w.Store.Begin()
	if err != nil {
		return nil, err
	}
	defer draft.Discard()
	if advance == nil {
		advance = func(int64, int64) {}
	}
	job := &Job{Task: t, Out: draft.Dir(), Log: log, store: w.Store, advance: advance,
		counts: map[string]int64{}, warnings: map[string]*Warning{}}
	start := time.Now()
	if err := protect(ctx, stage, job); err != nil {
		// The likeliest reason, and a clearer one than what the stage stumbled over.
		if changed := checkFiles(t); changed != nil && ctx.Err() == nil {
			return nil, fmt.Errorf("%w (%w)", changed, err)
		}
		if damaged := w.dropDamaged(ctx, t); damaged != nil {
			return nil, fmt.Errorf("%w (%w)", damaged, err)
		}
		return nil, err
	}
	if err := checkFiles(t); err != nil {
		return nil, err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("encode task: %w", err)
	}
	a := cache.Artefact{Key: t.Key, Stage: t.Stage, StageVersion: t.StageVersion, Label: t.Label, Task: text,
		Created: start.UTC(), Seconds: time.Since(start).Seconds()}
	for _, p := range t.Parents {
		if p.Key != "" {
			a.Parents = append(a.Parents, p.Key)
		}
	}
	a.Counts, a.Warnings = job.tally()
	put, differed, err := draft.Commit(a, w.Refresh)
	if err != nil {
		return nil, err
	}
	if differed {
		log.Warn("the task gave other bytes than the last time; the cache now has the new ones")
	}
	if err := w.Store.DropPartial(t.Key); err != nil {
		log.Warn("a checkpoint could not be removed", "error", err)
	}
	return put, nil
}

// dropDamaged takes those artefacts that a task has read out of the cache which do
// not hold the bytes that were written, so that the next run makes them anew. It
// reads all of them, and is for tasks that have failed.
func (w *Worker) dropDamaged(ctx context.Context, t *Task) error {
	for _, p := range t.Parents {
		if p.Key == "" || ctx.Err() != nil {
			continue
		}
		a, err := w.Store.Lookup(p.Stage, p.Key)
		if a != nil {
			err = a.Verify()
		}
		var damaged *cache.DamagedError
		if !errors.As(err, &damaged) {
			continue
		}
		if err := w.Store.Remove(p.Stage, p.Key); err != nil {
			return err
		}
		return fmt.Errorf("%w: it is taken out of the cache; start the run again, which makes it anew", damaged)
	}
	return nil
}

func checkFiles(t *Task) error {
	for _, f := range t.Files {
		if err := content.Check(f.Path, f.sum()); err != nil {
			return err
		}
	}
	return nil
}

// protect turns a panic of the stage into an error.
func protect(ctx context.Context, stage *Stage, job *Job) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return stage.run(ctx, job)
}

// Advise adds what to do about errors of the disk.
func Advise(err error) error {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return fmt.Errorf("%w: free some space (upi gc empties the cache) and start the run again; it goes on where it was", err)
	case errors.Is(err, unix.EROFS), errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: the cache and the output directory must be writable", err)
	}
	return err
}
