package beam

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"upi/pipeline"
	"upi/pipeline/cache"
	"upi/pipeline/lock"
)

// A Provider gives a process the stages of a job, once: with them come the opened models and the programs. An error says what this
// machine lacks.
type Provider func(*Job) (pipeline.Stages, error)

// provider is the process's own; upi-beam-worker has one that says why upi-beam does not start.
var provider Provider = func(*Job) (pipeline.Stages, error) { return nil, errors.New("this program runs no tasks") }

// leave is how this process ends when its job is over, nil if it goes on.
var leave func()

// Provide sets the provider of this process, before it serves.
func Provide(p Provider) { provider = p }

// A performer runs the tasks of a job in this process.
type performer struct {
	job    *Job
	plan   *pipeline.StoredPlan
	worker pipeline.Worker
	// broken is why this machine cannot run any task.
	broken error
	slots  chan struct{}
	events *eventWriter
	host   string
	ctx    context.Context
	// over is closed once the driver has seen all levels end.
	over chan struct{}

	// leave ends a worker process whose job is over; nil in the driver's own.
	leave func()

	mu    sync.Mutex
	rests map[int]*pipeline.Rest
}

var (
	performers   = map[string]*performer{}
	performersMu sync.Mutex
)

// performerOf returns the performer of the job in a folder: one for the life of the process.
func performerOf(dir string) (*performer, error) {
	performersMu.Lock()
	defer performersMu.Unlock()
	if p := performers[dir]; p != nil {
		return p, nil
	}
	j, err := ReadJob(dir)
	if err != nil {
		return nil, err
	}
	p, err := newPerformer(j, provider)
	if err != nil {
		return nil, err
	}
	performers[dir] = p
	return p, nil
}

// forget ends the performer of a job that ran in this process.
func forget(dir string) {
	performersMu.Lock()
	defer performersMu.Unlock()
	if p := performers[dir]; p != nil {
		p.plan.Close()
		delete(performers, dir)
	}
}

func newPerformer(j *Job, provide Provider) (*performer, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("find this machine's name: %w", err)
	}
	worker := fmt.Sprintf("%s/%d", host, os.Getpid())
	slots, wrong := j.Slots()
	p := &performer{job: j, host: host, slots: make(chan struct{}, max(slots, 1)), broken: wrong, rests: map[int]*pipeline.Rest{}, over: make(chan struct{})}
	if p.events, err = newEventWriter(j, fmt.Sprintf("%s-%d-%s", host, os.Getpid(), rand.Text()), worker, host); err != nil {
		return nil, err
	}
	if p.plan, err = pipeline.OpenPlan(j.dir); err != nil {
		return nil, err
	}
	store, err := cache.Open(j.Cache)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewJSONHandler(&logLines{events: p.events}, nil))
	disk, err := pipeline.NewDisk(store.Root())
	if err != nil {
		return nil, err
	}
	p.worker = pipeline.Worker{Store: store, Refresh: j.Refresh, Disk: disk, Log: log}
	p.leave = leave
	if p.broken == nil {
		p.worker.Stages, p.broken = provide(j)
	}
	if p.broken != nil {
		p.events.write(event{Kind: brokenEvent, Text: p.broken.Error()})
	}
	var stop context.CancelCauseFunc
	p.ctx, stop = context.WithCancelCause(context.Background())
	go p.attend(stop)
	return p, nil
}

// logLines hands lines of a log to the driver.
type logLines struct{ events *eventWriter }

func (l *logLines) Write(line []byte) (int, error) {
	l.events.write(event{Kind: logEvent, Text: string(bytes.TrimSpace(line))})
	return len(line), nil
}

var (
	errStopped = errors.New("the run was stopped")
	errOrphan  = errors.New("the run's driver is no more")
)

// patience is how long workers wait for a sign of life of the driver.
const patience = 2 * time.Minute

// attend flushes the events, and ends the work when the job is stopped, or its driver is gone.
func (p *performer) attend(stop context.CancelCauseFunc) {
	var last string
	told := false
	seen, looked := time.Now(), time.Time{}
	for {
		time.Sleep(flushPause)
		if err := p.events.flush(); err != nil {
			stop(err) // the folder cannot be written
		}
		if time.Since(looked) < 2*flushPause {
			continue
		}
		looked = time.Now()
		if p.job.stopped() {
			stop(errStopped)
		}
		beat, over, err := p.job.heartbeat()
		if over && !told {
			told = true
			close(p.over)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist): // the folder is gone: the job is over
			stop(errOrphan)
			if p.leave != nil {
				p.leave()
			}
			return
		case err == nil && beat != last:
			last, seen = beat, time.Now()
		case time.Since(seen) > patience:
			stop(errOrphan)
		}
	}
}

// rest is the plan as it is to be run at a level: without the tasks that are gone by then.
func (p *performer) rest(level int) (*pipeline.Rest, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.rests[level]; r != nil {
		return r, nil
	}
	gone, concluded, err := p.job.gone(level - 1)
	if err != nil {
		return nil, err
	}
	if !concluded {
		return nil, fmt.Errorf("level %d begins, and the one before has not been concluded", level)
	}
	r := p.plan.Without(gone)
	p.rests[level] = r
	return r, nil
}

// begin waits for a slot, and does the work in it among those that are running.
func (p *performer) begin(ctx context.Context, running *sync.WaitGroup, work func()) error {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	running.Go(func() {
		defer func() { <-p.slots }()
		work()
	})
	return nil
}

// An outcome is what has become of a task here.
type outcome int

// The outcomes.
const (
	failed outcome = iota // or it was dropped, as the job is stopped
	done
	found // its artefact was in the cache
	held  // another process works on it
)

// perform runs a task; if another process works on it, perform waits for that one.
func (p *performer) perform(level, number int) outcome {
	return p.performBy(p.worker.Perform, level, number)
}

// tryPerform runs a task unless another process works on it.
func (p *performer) tryPerform(level, number int) outcome {
	return p.performBy(p.worker.TryPerform, level, number)
}

// performBy runs a task by a method of pipeline.Worker, and tells the driver what comes of it.
func (p *performer) performBy(run func(context.Context, *pipeline.Task, func(done, total int64)) (*cache.Artefact, bool, error), level, number int) outcome {
	if p.ctx.Err() != nil {
		return failed
	}
	fail := func(err error) outcome {
		if p.ctx.Err() == nil { // else it was dropped, and has not failed by itself
			p.events.write(event{Kind: failEvent, Task: number, Text: err.Error()})
		}
		return failed
	}
	if p.broken != nil {
		return fail(p.broken)
	}
	rest, err := p.rest(level)
	if err != nil {
		return fail(err)
	}
	t, err := rest.Task(number)
	if err != nil {
		return fail(err)
	}
	start := time.Now()
	begun := time.AfterFunc(time.Second, func() { p.events.write(event{Kind: startEvent, Task: number}) })
	defer begun.Stop()
	var lastTold time.Time
	var mu sync.Mutex
	a, hit, err := run(p.ctx, t, func(done, total int64) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(lastTold) > time.Second && now.Sub(start) > time.Second {
			lastTold = now
			p.events.write(event{Kind: advanceEvent, Task: number, Done: done, Total: total})
		}
	})
	var other *lock.HeldError
	if errors.As(err, &other) {
		return held
	}
	if err != nil {
		return fail(err)
	}
	p.events.write(event{Kind: doneEvent, Task: number, Key: a.Key, Hit: hit, Started: start, Elapsed: time.Since(start), Seconds: a.Seconds,
		Counts: a.Counts, Warnings: a.Warnings, Memory: pipeline.ResidentMemory()})
	if hit {
		return found
	}
	return done
}

// another runs a task that has failed on a machine, if this is another one that has not tried it, and not too many have. The
// scope is that of one attempt of the job.
func (p *performer) another(level, number int, host, scope string) {
	const most = 2
	if host == p.host || p.ctx.Err() != nil || p.broken != nil {
		return
	}
	prefix := filepath.Join(p.job.dir, triesDir, fmt.Sprintf("%s-%d-", scope, number))
	others, err := filepath.Glob(prefix + "*")
	if err != nil || len(others) >= most {
		return
	}
	// The first on each machine makes the file, and tries.
	f, err := os.OpenFile(prefix+p.host, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return
	}
	f.Close()
	p.perform(level, number)
}

// isDone reports whether a task has its artefact.
func (p *performer) isDone(level, number int) (bool, error) {
	rest, err := p.rest(level)
	if err != nil {
		return false, err
	}
	t, err := rest.Task(number)
	if err != nil {
		return false, err
	}
	a, err := p.worker.Store.Lookup(t.Stage, t.Key)
	var damaged *cache.DamagedError
	if errors.As(err, &damaged) {
		return false, nil
	}
	return a != nil, err
}
