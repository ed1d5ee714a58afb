package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"upi/pipeline/atomicfile"
	"upi/pipeline/cache"
	"upi/pipeline/lock"
	"upi/pipeline/progress"
)

const (
	manifestFile = "manifest.json"
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
	dir, name string
	lock      *lock.Lock
	previous  *Manifest
}

// OpenRun makes the directory <output>/<name> if need be and locks it. The error
// is a [*LockedError] if another run holds it. The name is one that a
// configuration may have: it holds no separator.
func OpenRun(output, name string) (*Run, error) {
	if name == "" || name == "." || name == ".." || filepath.Base(name) != name {
		return nil, fmt.Errorf("open run: %q is not the name of a directory", name)
	}
	r := &Run{dir: filepath.Join(output, name), name: name}
	if err := os.MkdirAll(r.dir, 0o777); err != nil {
		return nil, fmt.Errorf("open run: %w", explain(err))
	}
	l, err := lock.Try(filepath.Join(r.dir, lockFile))
	var held *lock.HeldError
	if errors.As(err, &held) {
		return nil, &LockedError{Dir: r.dir, Holder: held.Holder}
	}
	if err != nil {
		return nil, fmt.Errorf("open run %s: %w", r.dir, explain(err))
	}
	r.lock = l
	if err := atomicfile.Clean(r.dir); err != nil {
		r.Close()
		return nil, fmt.Errorf("open run: %w", explain(err))
	}
	if r.previous, err = ReadManifest(r.dir); err != nil {
		// A manifest that cannot be read makes for no explanations, no more.
		r.previous = nil
	}
	return r, nil
}

// Dir is the run's directory.
func (r *Run) Dir() string { return r.dir }

// Previous is the manifest of the results that are in the directory, or nil.
func (r *Run) Previous() *Manifest { return r.previous }

// Close unlocks the directory.
func (r *Run) Close() error { return r.lock.Release() }

// Execute runs the plan, copies the files of the tasks that are [Published]
// into the directory, and writes config.yaml, manifest.json and metrics.prom.
// The error is the executor's, or says what could not be written. After a run
// that gave no results those of the run before stay, with their manifest; the
// new one is then attempt.json.
func (r *Run) Execute(ctx context.Context, store *cache.Store, plan *Plan, by Executor, d Description, report progress.Reporter) (*Manifest, error) {
	if r.previous == nil {
		if err := atomicfile.WriteFile(filepath.Join(r.dir, configFile), d.Config); err != nil {
			return nil, explain(err)
		}
	}
	lease, err := store.Lease(ctx, r.dir, plan.Keys())
	if err != nil {
		return nil, explain(err)
	}
	defer lease.Release()
	result, failure := by.Execute(ctx, plan, report)
	m, err := newManifest(r.name, d, plan, result, failure)
	if err != nil {
		return nil, errors.Join(failure, err)
	}
	if r.previous != nil {
		m.LastSuccess = r.previous.LastSuccess
	}
	complete := m.Status == RunDone || m.Status == RunPartial && published(result)
	if complete {
		if err := r.finish(m, d, result, lease); err != nil {
			failure = fmt.Errorf("write results: %w", explain(err))
			m.Status, m.Error, complete = RunFailed, failure.Error(), false
		}
	}
	if !complete {
		err = r.writeManifest(attemptFile, m)
	}
	err = errors.Join(err, atomicfile.Write(filepath.Join(r.dir, metricsFile), m.writeMetrics))
	if err != nil {
		failure = errors.Join(failure, fmt.Errorf("write results: %w", explain(err)))
	}
	return m, failure
}

// published reports whether all tasks with results for the directory are done.
func published(r *Result) bool {
	for _, t := range r.Tasks {
		if t.Task.Publish && t.Artefact == nil {
			return false
		}
	}
	return true
}

// finish puts the results in place, the manifest last.
func (r *Run) finish(m *Manifest, d Description, result *Result, lease *cache.Lease) error {
	if m.Status == RunDone {
		m.LastSuccess = m.Finished
	}
	var keys []Key
	for _, t := range result.Tasks {
		if t.Artefact == nil {
			continue
		}
		keys = append(keys, t.Artefact.Key)
		if t.Task.Publish {
			if err := r.publish(m, t.Artefact); err != nil {
				return err
			}
		}
	}
	if err := atomicfile.WriteFile(filepath.Join(r.dir, configFile), d.Config); err != nil {
		return err
	}
	written, err := cache.Sum(r.dir, configFile)
	if err != nil {
		return err
	}
	m.Outputs = append(m.Outputs, Output{File: written})
	if err := r.removeStale(m); err != nil {
		return err
	}
	if err := r.writeManifest(manifestFile, m); err != nil {
		return err
	}
	r.previous = m
	if err := os.Remove(filepath.Join(r.dir, attemptFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return lease.Finish(keys)
}

// publish copies the files of an artefact into the directory. Copies and not
// links: what a reader does to them must not reach the cache.
func (r *Run) publish(m *Manifest, a *cache.Artefact) error {
	for _, f := range a.Files {
		path := filepath.Join(r.dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := atomicfile.Copy(path, filepath.Join(a.Dir(), filepath.FromSlash(f.Name))); err != nil {
			return err
		}
		m.Outputs = append(m.Outputs, Output{File: f, Task: a.Key})
	}
	return nil
}

// removeStale removes results of the run before that this one does not have.
func (r *Run) removeStale(m *Manifest) error {
	if r.previous == nil {
		return nil
	}
	now := map[string]bool{}
	for _, o := range m.Outputs {
		now[o.Name] = true
	}
	for _, o := range r.previous.Outputs {
		if now[o.Name] || !filepath.IsLocal(o.Name) {
			continue
		}
		if err := os.Remove(filepath.Join(r.dir, o.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (r *Run) writeManifest(name string, m *Manifest) error {
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return atomicfile.WriteFile(filepath.Join(r.dir, name), append(text, '\n'))
}
