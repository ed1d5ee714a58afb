package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"upi/pipeline/atomicfile"
	"upi/pipeline/cache"
	"upi/pipeline/lock"
	"upi/pipeline/manifest"
	"upi/pipeline/progress"
)

const (
	manifestFile = manifest.Name
	// attemptFile is the manifest of a run that came to nothing. It stands
	// beside the manifest that describes the results which are there.
	attemptFile = "attempt.json"
	configFile  = "config.yaml"
	metricsFile = "metrics.prom"
	lockFile    = "lock"
)

// LockedError says that another run works in the directory.
type LockedError struct {
	Dir    string
	Holder lock.Holder
}

func (e *LockedError) Error() string { return fmt.Sprintf("%s is in use by %s", e.Dir, e.Holder) }

// Run is the directory of a run, locked.
type Run struct {
	// Numbers returns what metrics.prom tells of the results in the directory beside how the run went; nil adds nothing.
	Numbers func() ([]Family, error)

	dir, name string
	lock      *lock.Lock
	previous  *Manifest
	// unreadable says why a manifest that is there could not be read.
	unreadable error
	// success is when a run of this name last came to its end with every task done.
	success time.Time
}

// OpenRun makes the directory <output>/<name> if need be and locks it. The error
// is a [*LockedError] if another run holds it. The name is one that a
// configuration may have: it holds no separator.
func OpenRun(output, name string) (*Run, error) {
	if name == "" || name == "." || name == ".." || filepath.Base(name) != name {
		return nil, fmt.Errorf("open run: %q is not the name of a directory", name)
	}
	r := &Run{dir: filepath.Join(output, name), name: name}
	if err := r.open(); err != nil {
		return nil, err
	}
	return r, nil
}

// open makes the directory if need be, locks it and reads what is there.
func (r *Run) open() error {
	if err := os.MkdirAll(r.dir, 0o777); err != nil {
		return fmt.Errorf("open run: %w", Advise(err))
	}
	l, err := lock.Try(filepath.Join(r.dir, lockFile))
	var held *lock.HeldError
	if errors.As(err, &held) {
		return &LockedError{Dir: r.dir, Holder: held.Holder}
	}
	if err != nil {
		return fmt.Errorf("open run %s: %w", r.dir, Advise(err))
	}
	r.lock = l
	if err := atomicfile.Clean(r.dir); err != nil {
		r.Close()
		return fmt.Errorf("open run: %w", Advise(err))
	}
	r.previous, r.unreadable = ReadManifest(r.dir)
	if r.unreadable != nil {
		// A manifest that cannot be read makes for no explanations, no more.
		r.previous = nil
	}
	if errors.Is(r.unreadable, fs.ErrNotExist) {
		r.unreadable = nil
	}
	if r.previous != nil {
		r.success = r.previous.LastSuccess
	}
	return nil
}

// Dir is the run's directory.
func (r *Run) Dir() string { return r.dir }

// Close unlocks the directory.
func (r *Run) Close() error { return r.lock.Release() }

// Execute runs the plan, copies the files of the tasks that are [Published]
// into the directory, and writes config.yaml, manifest.json and metrics.prom.
// The error is the executor's, or says what could not be written. After a run
// that gave no results those of the run before stay, with their manifest; the
// new one is then attempt.json.
func (r *Run) Execute(ctx context.Context, store *cache.Store, plan *Plan, by Executor, d Description, report progress.Reporter) (*Manifest, error) {
	lease, err := r.prepare(ctx, store, plan, d)
	if err != nil {
		return nil, errors.Join(Advise(err), r.Fail(d, err))
	}
	defer lease.Release()
	result, failure := by.Execute(ctx, plan, report)
	m, err := newManifest(r.name, d, plan, result, failure)
	if err != nil {
		return nil, errors.Join(failure, err)
	}
	m.LastSuccess = r.success
	complete := m.Status == RunDone || m.Status == RunPartial && published(result)
	if complete {
		if err := r.finish(m, d, result, lease); err != nil {
			failure = fmt.Errorf("write results: %w", Advise(err))
			m.Status, m.Error, complete = RunFailed, failure.Error(), false
		}
	}
	if complete {
		err = r.writeMetrics(m)
	} else {
		err = r.record(m)
	}
	if err = errors.Join(err, r.end(complete)); err != nil {
		failure = errors.Join(failure, fmt.Errorf("write results: %w", Advise(err)))
	}
	return m, failure
}

func (r *Run) prepare(ctx context.Context, store *cache.Store, plan *Plan, d Description) (*cache.Lease, error) {
	if r.previous == nil { // else it describes the results that are there
		if err := atomicfile.WriteFile(filepath.Join(r.dir, configFile), d.Config); err != nil {
			return nil, err
		}
	}
	if err := r.begin(d.Config); err != nil {
		return nil, err
	}
	return store.Lease(ctx, r.dir, plan.Keys())
}

// Fail records a run that ended before it could be executed, in attempt.json
// and metrics.prom: a shard that has vanished makes no plan, and whoever watches
// the metrics should learn of it. The error is only about recording.
func (r *Run) Fail(d Description, failure error) error {
	now := time.Now()
	m, err := newManifest(r.name, d, NewPlan(nil, nil), &Result{Started: now, Finished: now}, failure)
	if err != nil {
		return err
	}
	return r.record(m)
}

// Spoil records that what is made of a run's results, such as the report, could
// not be: the results stay, and the run counts as failed. It returns the failure.
func (r *Run) Spoil(m *Manifest, failure error) error {
	spoilt := *m
	spoilt.Status, spoilt.Error = statusOf(failure), failure.Error()
	return errors.Join(Advise(failure), r.record(&spoilt))
}

// record writes the manifest of a run that gave no results.
func (r *Run) record(m *Manifest) error {
	m.LastSuccess = r.success
	return errors.Join(r.writeManifest(attemptFile, m), r.writeMetrics(m))
}

func (r *Run) writeMetrics(m *Manifest) error {
	var numbers []Family
	var unread error
	if r.previous != nil {
		numbers = expectationsFamily(r.previous.Expectations)
		if r.Numbers != nil {
			read, err := r.Numbers()
			numbers, unread = append(numbers, read...), err
		}
	}
	return errors.Join(unread, atomicfile.Write(filepath.Join(r.dir, metricsFile), func(w io.Writer) error { return writeMetrics(m, numbers, w) }))
}

func expectationsFamily(all []manifest.Expectation) []Family {
	if len(all) == 0 {
		return nil
	}
	failed := 0
	for _, e := range all {
		if !e.Holds {
			failed++
		}
	}
	return []Family{{Name: "upi_expectations_failed", Help: "Number of the expected conditions that the results do not meet.", Samples: []Sample{{Value: float64(failed)}}}}
}

// Expect notes in the manifest of the results, and in the metrics, which expected conditions hold. The error is a [*GateError] if some
// do not. M is the manifest that Execute has returned.
func (r *Run) Expect(m *Manifest, all []manifest.Expectation) error {
	if r.previous == nil {
		return fmt.Errorf("note what was expected: %s has no results", r.dir)
	}
	r.previous.Expectations, m.Expectations = all, all
	if err := errors.Join(r.writeManifest(manifestFile, r.previous), r.writeMetrics(m)); err != nil {
		return err
	}
	var gate GateError
	for _, e := range all {
		if !e.Holds {
			gate.Failed = append(gate.Failed, e.Condition+": "+strings.Join(e.Found, "; "))
		}
	}
	if len(gate.Failed) > 0 {
		return &gate
	}
	return nil
}
