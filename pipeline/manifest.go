package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"upi/pipeline/manifest"
	"upi/pipeline/progress"
)

// What manifest.json holds; see package manifest.
type (
	Manifest   = manifest.Manifest
	TaskRecord = manifest.TaskRecord
	RunStatus  = manifest.Status
)

// The ways in which a run ends.
const (
	RunDone        = manifest.Done
	RunPartial     = manifest.Partial
	RunFailed      = manifest.Failed
	RunInterrupted = manifest.Interrupted
)

// Description is what a run's manifest tells beside its tasks.
type Description struct {
	// Config is config.yaml.
	Config []byte
	// Settings are the same as a value that encoding/json takes, for Diff.
	Settings any
	// Versions are those of the program and of what it is built on.
	Versions map[string]string
	Device   string
	Seeds    []uint64
}

// ReadManifest reads the manifest of a run's directory; the error wraps os.ErrNotExist if there is none.
func ReadManifest(runDir string) (*Manifest, error) { return manifest.ReadDir(runDir) }

// newManifest describes a result; failure is the error of the executor.
func newManifest(name string, d Description, plan *Plan, r *Result, failure error) (*Manifest, error) {
	settings, err := canonical(d.Settings)
	if err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	host, _ := os.Hostname()
	m := &Manifest{Format: manifest.Format, Run: name, Status: statusOf(failure), Host: host,
		Started: r.Started.UTC(), Finished: r.Finished.UTC(), Seconds: r.Finished.Sub(r.Started).Seconds(),
		Versions: d.Versions, Device: d.Device, Seeds: d.Seeds, Environment: plan.environment, Config: settings,
		Inputs: []manifest.Input{}, Stages: []manifest.StageSummary{}, Warnings: []Warning{}, Outputs: []manifest.Output{},
		Tasks: []TaskRecord{}}
	if failure != nil {
		m.Error = failure.Error()
	}
	for _, name := range plan.StageNames() {
		m.Stages = append(m.Stages, manifest.StageSummary{Stage: name, Version: plan.stages[name].Version,
			PeakMemory: r.PeakMemory[name], Counts: map[string]int64{}})
	}
	stages, inputs := map[string]*manifest.StageSummary{}, map[manifest.Input]bool{}
	for i := range m.Stages {
		stages[m.Stages[i].Stage] = &m.Stages[i]
	}
	for i := range r.Tasks {
		t := &r.Tasks[i]
		recordTask(m, stages[t.Task.Stage], inputs, t)
	}
	for i := range m.Stages {
		s := &m.Stages[i]
		m.Warnings = mergeWarnings(m.Warnings, s.Warnings)
	}
	return m, nil
}

func statusOf(err error) RunStatus {
	var partial *PartialError
	var interrupted *InterruptedError
	switch {
	case err == nil:
		return RunDone
	case errors.As(err, &interrupted), errors.Is(err, context.Canceled):
		return RunInterrupted
	case errors.As(err, &partial):
		return RunPartial
	}
	return RunFailed
}

// recordTask adds what became of a task to the manifest and to the summary of its stage; seen are the inputs so far.
func recordTask(m *Manifest, s *manifest.StageSummary, seen map[manifest.Input]bool, t *TaskResult) {
	rec := newTaskRecord(t.Task)
	rec.Status, rec.Worker, rec.Tries = t.Status, t.Worker, t.Tries
	if t.Status == progress.Done || t.Status == progress.Failed {
		rec.Started, rec.Elapsed = t.Started.UTC().Round(time.Millisecond), t.Elapsed.Seconds()
	}
	if t.Err != nil {
		rec.Error = t.Err.Error()
	}
	if a := t.Artefact; a != nil {
		rec.Seconds, rec.Counts, rec.Warnings = a.Seconds, a.Counts, a.Warnings
		for name, n := range a.Counts {
			s.Counts[name] += n
		}
		s.Warnings = mergeWarnings(s.Warnings, a.Warnings)
	}
	s.Tasks++
	switch t.Status {
	case progress.Done:
		s.Done++
		images := s.Throughput*s.Seconds + float64(t.Artefact.Counts[CountImages])
		s.Seconds += t.Artefact.Seconds
		if s.Seconds > 0 {
			s.Throughput = images / s.Seconds
		}
	case progress.Hit:
		s.Hit++
	case progress.Failed:
		s.Failed++
	case progress.Skipped:
		s.Skipped++
	}
	m.Tasks = append(m.Tasks, rec)
	for _, f := range t.Task.Files {
		if in := f.input(); !seen[in] {
			seen[in] = true
			m.Inputs = append(m.Inputs, in)
		}
	}
}

func (f *File) input() manifest.Input {
	return manifest.Input{Role: f.Role, Path: f.Path, Size: f.Size, SHA256: f.Hash}
}

// newTaskRecord tells of a task what the manifest keeps.
func newTaskRecord(t *Task) TaskRecord {
	rec := TaskRecord{Stage: t.Stage, StageVersion: t.StageVersion, Label: t.Label, Shard: t.Shard, Spec: t.Spec, Key: t.Key, Transient: t.Transient, Work: t.Estimate.Work}
	for _, p := range t.Parents {
		rec.Parents = append(rec.Parents, manifest.Parent{Stage: p.Stage, Key: p.Key, Missing: p.Missing})
	}
	for _, f := range t.Files {
		rec.Files = append(rec.Files, f.input())
	}
	return rec
}

// recordedTask is the task that a record tells of, as far as it does; the environment is that of the whole run.
func recordedTask(r *TaskRecord, environment Environment) *Task {
	t := &Task{Stage: r.Stage, StageVersion: r.StageVersion, Label: r.Label, Shard: r.Shard, Spec: r.Spec, Environment: environment, Key: r.Key}
	for _, p := range r.Parents {
		t.Parents = append(t.Parents, Parent{Stage: p.Stage, Key: p.Key, Missing: p.Missing})
	}
	for _, f := range r.Files {
		t.Files = append(t.Files, &File{Role: f.Role, Path: f.Path, Hash: f.SHA256, Size: f.Size})
	}
	return t
}
