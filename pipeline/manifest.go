package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"upi/pipeline/cache"
	"upi/pipeline/progress"
)

// manifestFormat is the version of manifest.json.
const manifestFormat = 1

// RunStatus is how a run ended.
type RunStatus string

// The ways in which a run ends.
const (
	RunDone        RunStatus = "done"
	RunPartial     RunStatus = "partial" // but for some tasks
	RunFailed      RunStatus = "failed"
	RunInterrupted RunStatus = "interrupted"
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

// Manifest tells what a run did: manifest.json.
type Manifest struct {
	Format      int               `json:"format"`
	Run         string            `json:"run"`
	Status      RunStatus         `json:"status"`
	Error       string            `json:"error,omitempty"`
	Started     time.Time         `json:"started"`
	Finished    time.Time         `json:"finished"`
	LastSuccess time.Time         `json:"last_success"`
	Seconds     float64           `json:"seconds"`
	Host        string            `json:"host"`
	Versions    map[string]string `json:"versions"`
	Device      string            `json:"device"`
	Seeds       []uint64          `json:"seeds"`
	Environment Environment       `json:"environment"`
	Config      json.RawMessage   `json:"config"`
	Inputs      []ReadInput           `json:"inputs"`
	Stages      []StageSummary    `json:"stages"`
	Warnings    []Warning         `json:"warnings"`
	Outputs     []Output          `json:"outputs"`
	Tasks       []TaskRecord      `json:"tasks"`
}

// ReadInput is a file or directory that the run has read.
type ReadInput struct {
	Role   string `json:"role"`
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Output is a file of the run's directory.
type Output struct {
	cache.File
	// Task is the key of the task that made it, empty for config.yaml.
	Task Key `json:"task,omitempty"`
}

// StageSummary adds up the tasks of a stage.
type StageSummary struct {
	Stage   string `json:"stage"`
	Version int    `json:"version"`
	Tasks   int    `json:"tasks"`
	Done    int    `json:"done"`
	Hit     int    `json:"hit"`
	Failed  int    `json:"failed"`
	Skipped int    `json:"skipped"`
	// Seconds is the time of the tasks that ran, added up over workers.
	Seconds float64 `json:"seconds"`
	// Throughput is the number of images per second of those tasks.
	Throughput float64 `json:"images_per_second,omitempty"`
	// PeakMemory is the most that the process held meanwhile, in bytes.
	PeakMemory int64 `json:"peak_memory_bytes,omitempty"`
	// Counts and Warnings are of all tasks, those in the cache too.
	Counts   map[string]int64 `json:"counts,omitempty"`
	Warnings []Warning        `json:"warnings,omitempty"`
}

// TaskRecord is a task and what became of it.
type TaskRecord struct {
	Task
	Status   progress.Status  `json:"status"`
	Seconds  float64          `json:"seconds"`
	Counts   map[string]int64 `json:"counts,omitempty"`
	Warnings []Warning        `json:"warnings,omitempty"`
	Error    string           `json:"error,omitempty"`
}

// newManifest describes a result; failure is the error of the executor.
func newManifest(name string, d Description, plan *Plan, r *Result, failure error) (*Manifest, error) {
	settings, err := canonical(d.Settings)
	if err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	host, _ := os.Hostname()
	m := &Manifest{Format: manifestFormat, Run: name, Status: statusOf(failure), Host: host,
		Started: r.Started.UTC(), Finished: r.Finished.UTC(), Seconds: r.Finished.Sub(r.Started).Seconds(),
		Versions: d.Versions, Device: d.Device, Seeds: d.Seeds, Environment: plan.environment, Config: settings,
		Inputs: []ReadInput{}, Stages: []StageSummary{}, Warnings: []Warning{}, Outputs: []Output{}, Tasks: []TaskRecord{}}
	if failure != nil {
		m.Error = failure.Error()
	}
	for _, name := range plan.StageNames() {
		m.Stages = append(m.Stages, StageSummary{Stage: name, Version: plan.stages[name].Version,
			PeakMemory: r.PeakMemory[name], Counts: map[string]int64{}})
	}
	for _, t := range r.Tasks {
		m.record(t)
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

func (m *Manifest) record(t TaskResult) {
	rec := TaskRecord{Task: *t.Task, Status: t.Status}
	s := &m.Stages[slices.IndexFunc(m.Stages, func(s StageSummary) bool { return s.Stage == t.Task.Stage })]
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
		in := ReadInput{Role: f.Role, Path: f.Path, Size: f.Size, SHA256: f.Hash}
		if !slices.Contains(m.Inputs, in) {
			m.Inputs = append(m.Inputs, in)
		}
	}
}

// Task finds the record of a key.
func (m *Manifest) Task(key Key) (TaskRecord, bool) {
	i := slices.IndexFunc(m.Tasks, func(t TaskRecord) bool { return t.Key == key })
	if i < 0 {
		return TaskRecord{}, false
	}
	return m.Tasks[i], true
}

// Makers are the tasks that made what: an output file, by its name in the run's
// directory, or something that labels name between slashes, such as a perturbation.
func (m *Manifest) Makers(what string) []Key {
	var keys []Key
	for _, o := range m.Outputs {
		if o.Name == filepath.ToSlash(filepath.Clean(what)) && o.Task != "" {
			keys = append(keys, o.Task)
		}
	}
	for _, t := range m.Tasks {
		if slices.Contains(strings.Split(t.Label, "/"), what) {
			keys = append(keys, t.Key)
		}
	}
	return keys
}

// Lineage returns the tasks of these keys and all that they come from, in the order
// of the plan; their files are the inputs of the results.
func (m *Manifest) Lineage(keys ...Key) []TaskRecord {
	wanted := map[Key]bool{}
	for _, key := range keys {
		wanted[key] = true
	}
	var line []TaskRecord
	for _, t := range slices.Backward(m.Tasks) {
		if !wanted[t.Key] {
			continue
		}
		line = append(line, t)
		for _, p := range t.Parents {
			wanted[p.Key] = true
		}
	}
	slices.Reverse(line)
	return line
}

// ReadManifest reads a manifest.json; the error wraps os.ErrNotExist if the run's
// directory has none.
func ReadManifest(runDir string) (*Manifest, error) {
	return readManifest(filepath.Join(runDir, manifestFile))
}

func readManifest(path string) (*Manifest, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", path, err)
	}
	if m.Format != manifestFormat {
		return nil, fmt.Errorf("read manifest %s: format %d, this program reads %d", path, m.Format, manifestFormat)
	}
	return &m, nil
}
