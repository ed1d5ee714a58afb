package beam

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"upi/pipeline"
	"upi/pipeline/atomicfile"
	"upi/pipeline/cache"
	"upi/pipeline/progress"
)

// The runners.
const (
	Prism = "prism" // in this process
	Flink = "flink"
)

// An Executor runs the tasks of a plan as one job of a runner. It implements [pipeline.Executor].
type Executor struct {
	Store *cache.Store
	// Name is the run's, and the job's at the runner.
	Name string
	// Runner is Prism or Flink, and Endpoint the host and port of Flink's job server.
	Runner, Endpoint string
	// Parallelism is the number of the cluster's slots that the job takes; 0 is the cluster's default.
	Parallelism int
	// Boot is the path of upi-beam-worker on every machine of the cluster.
	Boot string
	// Config is the run's configuration, for the workers.
	Config []byte
	// Workers is the number of tasks at once in a worker process; 0 is one per core of this machine.
	Workers int
	// GPUs is the number of GPUs that a worker process takes, 0 if the run has none.
	GPUs int
	// Environment are the variables that TensorFlow reads when it is loaded in a worker.
	Environment map[string]string
	KeepGoing   bool
	Refresh     bool
	Log         *slog.Logger
}

// Execute implements [pipeline.Executor].
func (x *Executor) Execute(ctx context.Context, plan *pipeline.Plan, report progress.Reporter) (*pipeline.Result, error) {
	f := &follower{executor: x, plan: plan, tasks: plan.Tasks(), ledger: pipeline.NewLedger(plan, report, x.KeepGoing),
		said: map[string]bool{}}
	err := f.run(ctx)
	if ctx.Err() != nil {
		return f.ledger.Conclude(context.Cause(ctx))
	}
	if err != nil && f.ledger.Stopped() == nil {
		result, _ := f.ledger.Conclude(err)
		return result, fmt.Errorf("%w; what was done is in the cache: start the run again to go on", err)
	}
	return f.ledger.Conclude(nil)
}

// A follower follows one job.
type follower struct {
	executor *Executor
	plan     *pipeline.Plan
	tasks    []*pipeline.Task
	ledger   *pipeline.Ledger
	job      *Job
	// level is the first level that has not been concluded, and early are the events of later ones. Hits are those of its tasks that
	// workers have found in the cache, perhaps before it is told who has made them.
	level  int
	hits   []early
	beat   int
	of     map[int]int // level of a task's number
	early  []early
	reader *eventReader
	said   map[string]bool
}

type early struct {
	from *eventFile
	e    event
}

func (f *follower) run(ctx context.Context) error {
	x := f.executor
	if err := x.endOrphans(ctx); err != nil {
		return err
	}
	found, err := f.find(ctx)
	if err != nil {
		return err
	}
	work := levels(f.tasks, func(i int) bool { return found[i] })
	if len(work) == 0 {
		return nil
	}
	longestFirst(work, f.tasks)
	if err := f.prepare(work); err != nil {
		return err
	}
	defer os.RemoveAll(f.job.dir)
	return f.submit(ctx)
}

// find looks up what the cache has already: only what it lacks goes through the engine.
func (f *follower) find(ctx context.Context) ([]bool, error) {
	found := make([]bool, len(f.tasks))
	if f.executor.Refresh {
		return found, nil
	}
	// What nothing will read any more need not be there.
	spared, err := pipeline.Spared(f.plan, f.executor.Store)
	if err != nil {
		return nil, err
	}
	artefacts := make([]*cache.Artefact, len(f.tasks))
	const width = 16 // a file server answers many at once
	var group sync.WaitGroup
	var mu sync.Mutex
	var failure error
	for w := range width {
		group.Go(func() {
			for i := w; i < len(f.tasks) && ctx.Err() == nil; i += width {
				look := f.executor.Store.Lookup
				if spared[i] {
					look = f.executor.Store.Recall
				}
				a, err := look(f.tasks[i].Stage, f.tasks[i].Key)
				var damaged *cache.DamagedError
				if err != nil && !errors.As(err, &damaged) { // a damaged one is made again
					mu.Lock()
					failure = err
					mu.Unlock()
					return
				}
				if a != nil {
					a.Task = nil // as large as all the rest, and at hand
				}
				artefacts[i] = a
			}
		})
	}
	group.Wait()
	if failure != nil {
		return nil, failure
	}
	for i, a := range artefacts {
		if a != nil || spared[i] {
			found[i] = true
			f.ledger.End(i, pipeline.Ending{Artefact: a, Hit: true})
		}
	}
	return found, context.Cause(ctx)
}

// prepare writes the job's folder.
func (f *follower) prepare(work [][]int) error {
	x := f.executor
	dir, err := newJobDir(x.Store.Root())
	if err != nil {
		return pipeline.Advise(err)
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("find this machine's name: %w", err)
	}
	workers := x.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	f.job = &Job{Cache: x.Store.Root(), Workers: workers, KeepGoing: x.KeepGoing, Refresh: x.Refresh, Levels: work,
		Cluster: x.Runner != Prism, Copies: x.Parallelism, GPUs: x.GPUs, Environment: x.Environment, Host: host, PID: os.Getpid(),
		Endpoint: x.Endpoint, dir: dir}
	f.of = map[int]int{}
	for level, numbers := range work {
		for _, i := range numbers {
			f.of[i] = level
		}
	}
	f.reader = newEventReader(f.job)
	if err := f.alive(); err != nil {
		return pipeline.Advise(err)
	}
	err = errors.Join(f.plan.Store(dir), atomicfile.WriteFile(f.job.Config(), x.Config), f.job.write())
	return pipeline.Advise(err)
}

// submit has the runner run the job, and follows it to its end.
func (f *follower) submit(ctx context.Context) error {
	x := f.executor
	endpoint, env := x.Endpoint, environment{}
	if x.Runner == Prism {
		p, err := startPrism(f.plan.Stages())
		if err != nil {
			return err
		}
		defer p.stop()
		defer forget(f.job.dir)
		endpoint, env = p.endpoint, p.environment
	} else {
		config, err := json.Marshal(map[string]any{"command": x.Boot, "env": map[string]string{jobVariable: f.job.dir}})
		if err != nil {
			return err
		}
		env = environment{urnProcess, string(config)}
	}
	p, err := marshal(ctx, f.job, env)
	if err != nil {
		return err
	}
	s, err := submit(ctx, endpoint, x.Name, x.Parallelism, p, x.Log)
	if err != nil {
		return err
	}
	defer s.close()
	f.job.ID = s.id
	if err := f.job.write(); err != nil {
		return err
	}
	over := make(chan error, 1)
	waiting, leave := context.WithCancel(context.Background())
	defer leave()
	go func() { over <- s.wait(waiting) }()
	return f.follow(ctx, s, over)
}

// follow keeps the account until the job is over, or is to be.
func (f *follower) follow(ctx context.Context, s *submission, over <-chan error) error {
	const pause = 300 * time.Millisecond
	last := time.Now()
	for {
		var ended bool
		var failure error
		select {
		case failure = <-over:
			ended = true
		case <-ctx.Done():
		case <-time.After(pause):
		}
		level := f.level
		if err := f.catchUp(); err != nil && failure == nil {
			failure = err
			return errors.Join(failure, f.end(s))
		}
		over := f.level > level && f.level == len(f.job.Levels)
		if over || time.Since(last) > 5*time.Second {
			last = time.Now()
			if err := f.alive(); err != nil {
				f.executor.Log.Warn("workers cannot be told that this process lives", "error", err)
			}
		}
		switch {
		case ended && failure == nil:
			return f.settle()
		case ended:
			return failure
		case ctx.Err() != nil, f.ledger.Stopped() != nil:
			return f.end(s)
		}
	}
}

// alive tells the workers that this process lives, and whether it has seen all levels end.
func (f *follower) alive() error {
	f.beat++
	return f.job.alive(f.beat, f.level == len(f.job.Levels))
}

// end cancels the job.
func (f *follower) end(s *submission) error {
	const patience = time.Minute
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := errors.Join(f.job.stop(), s.cancel(ctx)); err != nil {
		f.executor.Log.Warn("the job may go on for a while", "error", err)
	}
	err := f.catchUp()
	f.endHits()
	return err
}

// catchUp takes account of what the workers have told, and of levels that have ended.
func (f *follower) catchUp() error {
	for {
		gone, concluded, err := f.job.gone(f.level)
		if f.level == len(f.job.Levels) {
			concluded = false
		}
		if err != nil {
			return err
		}
		if err := f.reader.poll(f.take); err != nil {
			return err
		}
		f.drop()
		if !concluded {
			return nil
		}
		f.endHits()
		for _, i := range f.job.Levels[f.level] {
			tries := f.ledger.Tries(i)
			if _, is := slices.BinarySearch(gone, i); is && len(tries) > 0 && !f.ledger.Ended(i) {
				last := tries[len(tries)-1]
				f.ledger.End(i, pipeline.Ending{Err: errors.New(last.Error), Worker: last.Worker})
			}
		}
		f.level++
		held := f.early
		f.early = nil
		for _, h := range held {
			f.take(h.from, h.e)
		}
	}
}

// drop frees the disk of what nothing will read any more.
func (f *follower) drop() {
	spent := f.ledger.Spent()
	if len(spent) == 0 {
		return
	}
	if _, err := f.executor.Store.Drop(context.Background(), spent); err != nil {
		f.executor.Log.Warn("artefacts that nothing reads any more are still in the cache", "error", err)
	}
}

// take takes account of an event, or keeps it until its level has begun here too.
func (f *follower) take(from *eventFile, e event) {
	switch e.Kind {
	case helloEvent:
		f.executor.Log.Info("worker", "name", e.Worker)
		return
	case brokenEvent:
		f.say("a machine can run no task", from, e.Text)
		return
	case logEvent:
		f.relay(from, e.Text)
		return
	}
	level, known := f.of[e.Task]
	switch {
	case !known:
		return
	case level > f.level:
		f.early = append(f.early, early{from, e})
		return
	}
	switch e.Kind {
	case startEvent:
		f.ledger.Start(e.Task)
	case advanceEvent:
		f.ledger.Advance(e.Task, e.Done, e.Total)
	case failEvent:
		if !f.ledger.Ended(e.Task) {
			t := f.tasks[e.Task]
			f.say(t.Stage+" "+t.Label+" failed on a machine", from, e.Text)
			f.ledger.Tried(e.Task, from.worker, errors.New(e.Text))
		}
	case doneEvent:
		if e.Hit {
			f.hits = append(f.hits, early{from, e})
			return
		}
		f.ended(from, e)
	}
}

// endHits ends the tasks that workers have found in the cache, and of which none has told that it made them.
func (f *follower) endHits() {
	for _, h := range f.hits {
		f.ended(h.from, h.e)
	}
	f.hits = nil
}

func (f *follower) ended(from *eventFile, e event) {
	f.done(e.Task, pipeline.Ending{Hit: e.Hit, Started: e.Started, Elapsed: e.Elapsed, Worker: from.worker, Memory: e.Memory,
		Artefact: &cache.Artefact{Key: e.Key, Seconds: e.Seconds, Counts: e.Counts, Warnings: e.Warnings}})
}

// say warns once of what a machine has said, however many tasks it was about, and whether it was about a task or all.
func (f *follower) say(about string, from *eventFile, text string) {
	if key := from.host + " " + text; !f.said[key] {
		f.said[key] = true
		f.executor.Log.Warn(about, "machine", from.host, "worker", from.worker, "says", text)
	}
}

// relay logs what a worker has logged.
func (f *follower) relay(from *eventFile, line string) {
	fields := map[string]any{}
	var level slog.Level
	if json.Unmarshal([]byte(line), &fields) != nil || level.UnmarshalText(fmt.Append(nil, fields[slog.LevelKey])) != nil {
		f.executor.Log.Info(line, "worker", from.worker)
		return
	}
	message := fmt.Sprint(fields[slog.MessageKey])
	attributes := []any{"worker", from.worker}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name != slog.TimeKey && name != slog.LevelKey && name != slog.MessageKey {
			attributes = append(attributes, name, fields[name])
		}
	}
	f.executor.Log.Log(context.Background(), level, message, attributes...)
}

// done ends a task well. What is published is looked up: its files are wanted.
func (f *follower) done(i int, e pipeline.Ending) {
	if f.ledger.Ended(i) {
		return
	}
	if t := f.ledger.Task(i); t.Publish || e.Artefact == nil {
		a, err := f.executor.Store.Lookup(t.Stage, t.Key)
		if err == nil && a == nil {
			err = fmt.Errorf("the job is over, and the cache has no artefact of it: do all machines see %s?", f.executor.Store.Root())
		}
		if err != nil {
			f.ledger.End(i, pipeline.Ending{Err: err, Worker: e.Worker})
			return
		}
		a.Task = nil
		e.Artefact = a
	}
	f.ledger.End(i, e)
}

// settle ends the account of a job that has ended well: what no worker has told of is looked up.
func (f *follower) settle() error {
	for _, numbers := range f.job.Levels {
		for _, i := range numbers {
			if f.ledger.Stopped() != nil {
				return nil
			}
			if !f.ledger.Ended(i) {
				f.done(i, pipeline.Ending{Hit: true})
			}
		}
	}
	return nil
}

// endOrphans ends jobs in this cache whose driver was a process of this machine that is no more: they would keep the slots.
func (x *Executor) endOrphans(ctx context.Context) error {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("find this machine's name: %w", err)
	}
	entries, err := os.ReadDir(filepath.Join(x.Store.Root(), jobsDir))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for other jobs: %w", err)
	}
	for _, e := range entries {
		j, err := ReadJob(filepath.Join(x.Store.Root(), jobsDir, e.Name()))
		if err != nil || j.Host != host || lives(j.PID) {
			continue
		}
		if err := errors.Join(j.stop(), endAt(ctx, j, x.Log)); err != nil {
			x.Log.Warn("a job whose driver is no more may go on for a while", "job", j.ID, "error", err)
		}
		if err := os.RemoveAll(j.dir); err != nil {
			return fmt.Errorf("remove the folder of an old job: %w", err)
		}
	}
	return nil
}

func endAt(ctx context.Context, j *Job, log *slog.Logger) error {
	if j.ID == "" || j.Endpoint == "" {
		return nil
	}
	log.Info("ending a job whose driver is no more", "job", j.ID)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	s, err := attach(ctx, j, log)
	if err != nil {
		return err
	}
	defer s.close()
	return s.cancel(ctx)
}
