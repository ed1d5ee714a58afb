package beam

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
)

func init() {
	register.DoFn3x1[[]byte, func(int64), func(string), error](&beginFn{})
	register.DoFn4x1[int, func(*string) bool, func(int64), func(string), error](&dealFn{})
	register.DoFn3x1[context.Context, int64, func(string), error](&performFn{})
	register.DoFn3x1[context.Context, int64, func(string), error](&stayFn{})
	register.DoFn2x1[[]byte, func(int64), error](&placesFn{})
	register.DoFn2x1[string, func(int, string), error](&copyFn{})
	register.DoFn4x1[context.Context, int, func(*string) bool, func(string), error](&retryFn{})
	register.Emitter1[int64]()
	register.Emitter1[string]()
	register.Emitter2[int, string]()
	register.Iter1[string]()
}

// seed is what makes a level end that no task of it has failed in.
const seed = "seed"

// build makes the pipeline of a job: for each level its numbers are dealt out and spread over the machines; what fails is tried on
// another machine; when all is done the next level is dealt out. A level begins when the one before has ended, because the grouping
// between them ends then.
func build(s beam.Scope, j *Job) {
	if j.Cluster {
		stay := s.Scope("stay")
		beam.ParDo(stay, &stayFn{Job: j.dir}, beam.Reshuffle(stay, beam.ParDo(stay, &placesFn{}, beam.Impulse(stay))))
	}
	numbers, rest := beam.ParDo2(s.Scope("begin"), &beginFn{Job: j.dir}, beam.Impulse(s))
	for level := range j.Levels {
		scope := s.Scope(fmt.Sprintf("level %d", level))
		failed := beam.ParDo(scope, &performFn{Job: j.dir, Level: level}, beam.Reshuffle(scope, numbers))
		ended := []beam.PCollection{rest, failed}
		if j.Cluster {
			// Grouped and not reshuffled: Flink takes what was spread once to be spread still, and leaves a second time out.
			copies := beam.GroupByKey(scope, beam.ParDo(scope, &copyFn{Job: j.dir}, failed))
			ended = append(ended, beam.ParDo(scope, &retryFn{Job: j.dir, Level: level}, copies))
		}
		grouped := beam.GroupByKey(scope, beam.AddFixedKey(scope, beam.Flatten(scope, ended...)))
		numbers, rest = beam.ParDo2(scope, &dealFn{Job: j.dir, Level: level + 1}, grouped)
	}
}

// A beginFn deals out the first level.
type beginFn struct{ Job string }

// ProcessElement is called once.
func (f *beginFn) ProcessElement(_ []byte, number func(int64), rest func(string)) error {
	p, err := performerOf(f.Job)
	if err != nil {
		return err
	}
	return p.deal(0, nil, number, rest)
}

// A dealFn concludes the level before its own, and deals out its own.
type dealFn struct {
	Job   string
	Level int
}

// ProcessElement is called once, with what has failed in the level before.
func (f *dealFn) ProcessElement(_ int, values func(*string) bool, number func(int64), rest func(string)) error {
	p, err := performerOf(f.Job)
	if err != nil {
		return err
	}
	var failed []int
	for value := ""; values(&value); {
		if value == seed {
			continue
		}
		i, _, err := parseFailure(value)
		if err != nil {
			return err
		}
		failed = append(failed, i)
	}
	gone, err := p.concludeLevel(f.Level-1, failed)
	if err != nil {
		return err
	}
	if p.ctx.Err() != nil || len(gone) > 0 && !p.job.KeepGoing {
		return nil // the levels that follow have nothing to do
	}
	return p.deal(f.Level, gone, number, rest)
}

// concludeLevel says once and for all what is gone by the end of a level: what was before, what could not run for want of it, and
// what failed on all machines that tried it.
func (p *performer) concludeLevel(level int, failed []int) ([]int, error) {
	gone, _, err := p.job.gone(level - 1)
	if err != nil {
		return nil, err
	}
	rest, err := p.rest(level)
	if err != nil {
		return nil, err
	}
	for _, i := range p.job.Levels[level] {
		lost, err := rest.Lost(i)
		if err != nil {
			return nil, err
		}
		if lost {
			gone = append(gone, i)
		}
	}
	slices.Sort(failed)
	for _, i := range slices.Compact(failed) {
		done, err := p.isDone(level, i)
		if err != nil {
			return nil, err
		}
		if !done {
			gone = append(gone, i)
		}
	}
	slices.Sort(gone)
	return p.job.conclude(level, slices.Compact(gone))
}

// deal emits the numbers of a level that can run.
func (p *performer) deal(level int, gone []int, number func(int64), rest func(string)) error {
	if level == len(p.job.Levels) {
		return nil
	}
	rest(seed)
	without := p.plan.Without(gone)
	for _, i := range p.job.Levels[level] {
		lost, err := without.Lost(i)
		if err != nil {
			return err
		}
		if !lost {
			number(int64(i))
		}
	}
	return nil
}

// A performFn runs tasks, as many of a bundle at once as the worker has slots, and emits those that fail.
type performFn struct {
	Job   string
	Level int

	performer *performer
	running   sync.WaitGroup
	mu        sync.Mutex
	failed    []int
	held      []int
}

// Setup finds the process's engine, or makes it.
func (f *performFn) Setup() (err error) {
	f.performer, err = performerOf(f.Job)
	return err
}

// ProcessElement begins a task once there is a slot for it. One that another process works on is put off.
func (f *performFn) ProcessElement(ctx context.Context, number int64, _ func(string)) error {
	return f.begin(ctx, int(number), f.performer.tryPerform)
}

func (f *performFn) begin(ctx context.Context, number int, perform func(level, number int) outcome) error {
	return f.performer.begin(ctx, &f.running, func() {
		o := perform(f.Level, number)
		f.mu.Lock()
		defer f.mu.Unlock()
		switch o {
		case failed:
			f.failed = append(f.failed, number)
		case held:
			f.held = append(f.held, number)
		}
	})
}

// FinishBundle waits for the tasks of the bundle. A slot that none of them needs any more helps other workers with theirs.
func (f *performFn) FinishBundle(ctx context.Context, fail func(string)) error {
	if err := f.performer.help(ctx, f.Level, &f.running, f.unharmed); err != nil {
		return err
	}
	f.running.Wait()
	put := f.held
	f.held = nil
	for _, i := range put {
		if err := f.begin(ctx, i, f.performer.perform); err != nil {
			return err
		}
	}
	f.running.Wait()
	for _, i := range f.failed {
		fail(failure(i, f.performer.host))
	}
	f.failed = nil
	return f.performer.events.flush()
}

// unharmed reports that no task of the bundle has failed so far.
func (f *performFn) unharmed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.failed) == 0
}

func failure(number int, host string) string { return fmt.Sprintf("%d %s", number, host) }

func parseFailure(text string) (number int, host string, err error) {
	if _, err := fmt.Sscanf(text, "%d %s", &number, &host); err != nil {
		return 0, "", fmt.Errorf("%q is no failure: %w", text, err)
	}
	return number, host, nil
}

// A copyFn makes copies of what has failed on a machine under keys that an engine deals out among its machines, so that one comes to
// another machine: an engine does not ask for whom.
type copyFn struct{ Job string }

// ProcessElement emits the copies.
func (f *copyFn) ProcessElement(failed string, emit func(int, string)) error {
	p, err := performerOf(f.Job)
	if err != nil {
		return err
	}
	if p.ctx.Err() != nil {
		return nil
	}
	workers, err := os.ReadDir(filepath.Join(f.Job, eventsDir))
	if err != nil {
		return err
	}
	const each = 8 // keys for a machine: that it gets none of them is one in 3000
	copied := failed + " " + rand.Text()
	for key := range each * max(p.job.Copies, len(workers)) {
		emit(key, copied)
	}
	return nil
}

// A retryFn runs tasks that have failed on another machine. It emits nothing: whether it came to something is seen in the cache.
type retryFn struct {
	Job   string
	Level int

	performer *performer
	running   sync.WaitGroup
}

// Setup finds the process's engine, or makes it.
func (f *retryFn) Setup() (err error) {
	f.performer, err = performerOf(f.Job)
	return err
}

// ProcessElement begins tasks, each once there is a slot for it.
func (f *retryFn) ProcessElement(ctx context.Context, _ int, values func(*string) bool, _ func(string)) error {
	for copied := ""; values(&copied); {
		var number int
		var host, scope string
		if _, err := fmt.Sscanf(copied, "%d %s %s", &number, &host, &scope); err != nil {
			return fmt.Errorf("%q is no copy of a failure: %w", copied, err)
		}
		err := f.performer.begin(ctx, &f.running, func() { f.performer.another(f.Level, number, host, scope) })
		if err != nil {
			return err
		}
	}
	return nil
}

// FinishBundle waits for the tasks of the bundle.
func (f *retryFn) FinishBundle(_ context.Context, _ func(string)) error {
	f.running.Wait()
	return f.performer.events.flush()
}
