package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"upi/pipeline/atomicfile"
	"upi/pipeline/cache"
	"upi/pipeline/manifest"
	"upi/pipeline/progress"
)

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
	m.Outputs = append(m.Outputs, manifest.Output{File: written})
	if err := r.removeStale(m); err != nil {
		return err
	}
	of := r.asMade(m)
	if err := r.writeManifest(manifestFile, of); err != nil {
		return err
	}
	r.previous, r.success = of, m.LastSuccess
	if err := os.Remove(filepath.Join(r.dir, attemptFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return lease.Finish(keys)
}

// asMade returns the manifest of the results of a run. Where the run has only found again what the one before had made, it tells of
// that one, and when it made them: a report of unchanged results does not change.
func (r *Run) asMade(m *Manifest) *Manifest {
	before := r.previous
	if before == nil || before.Status != RunDone || m.Status != RunDone || len(before.Tasks) != len(m.Tasks) {
		return m
	}
	for i, t := range m.Tasks {
		if t.Status != progress.Hit || t.Key != before.Tasks[i].Key {
			return m
		}
	}
	of := *m
	of.Host, of.Started, of.Finished, of.Seconds = before.Host, before.Started, before.Finished, before.Seconds
	of.Stages, of.Tasks = before.Stages, before.Tasks
	return &of
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
		m.Outputs = append(m.Outputs, manifest.Output{File: f, Task: a.Key})
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
	return atomicfile.Write(filepath.Join(r.dir, name), m.Write)
}

// Include adds files of the directory that were made from its results, such as
// a report, to the outputs that the manifest names, so that they are verified
// and, when a later run does not make them, removed. Names are relative to the
// directory.
func (r *Run) Include(names ...string) error {
	if r.previous == nil {
		return fmt.Errorf("include in manifest: %s has no results", r.dir)
	}
	for _, name := range names {
		if !filepath.IsLocal(name) {
			return fmt.Errorf("include in manifest: %s lies outside %s", name, r.dir)
		}
		f, err := cache.Sum(r.dir, name)
		if err != nil {
			return fmt.Errorf("include in manifest: %w", err)
		}
		m := r.previous
		m.Outputs = slices.DeleteFunc(m.Outputs, func(o manifest.Output) bool { return o.Name == f.Name })
		m.Outputs = append(m.Outputs, manifest.Output{File: f})
	}
	return r.writeManifest(manifestFile, r.previous)
}
