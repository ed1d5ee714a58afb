// Package manifest is the content of manifest.json, which tells what a run did: plain values, for whoever writes or reads one.
package manifest

import (
	"encoding/json"
	"time"

	"upi/pipeline/cache"
	"upi/pipeline/progress"
)

// Status is how a run ended.
type Status string

// The ways in which a run ends.
const (
	Done        Status = "done"
	Partial     Status = "partial" // but for some tasks
	Failed      Status = "failed"
	Interrupted Status = "interrupted"
)

// The names under which stages count images.
const (
	// CountImages is the number of images that a task worked on.
	CountImages = "images"
	// CountLeftOut is the number of images that it had to leave out.
	CountLeftOut = "images_left_out"
)

// Manifest tells what a run did.
type Manifest struct {
	Format      int       `json:"format"`
	Run         string    `json:"run"`
	Status      Status    `json:"status"`
	Error       string    `json:"error,omitempty"`
	Started     time.Time `json:"started"`
	Finished    time.Time `json:"finished"`
	LastSuccess time.Time `json:"last_success"`
	Seconds     float64   `json:"seconds"`
	Host        string    `json:"host"`
	// Versions are those of the program and of what it is built on.
	Versions map[string]string `json:"versions"`
	Device   string            `json:"device"`
	Seeds    []uint64          `json:"seeds"`
	// Environment is what changes bits beside the tasks themselves.
	Environment map[string]string `json:"environment"`
	// Config is config.yaml as JSON.
	Config   json.RawMessage `json:"config"`
	Inputs   []Input         `json:"inputs"`
	Stages   []StageSummary  `json:"stages"`
	Warnings []cache.Warning `json:"warnings"`
	Outputs  []Output        `json:"outputs"`
	// Expectations are the conditions on the results that the configuration names, and whether they hold.
	Expectations []Expectation `json:"expectations,omitempty"`
	Tasks        []TaskRecord  `json:"-"` // see Write
}

// Expectation is a condition on the results.
type Expectation struct {
	Condition string `json:"condition"`
	Holds     bool   `json:"holds"`
	// Found says where it does not hold, and what is there.
	Found []string `json:"found,omitempty"`
}

// Input is a file or directory that the run has read.
type Input struct {
	Role   string `json:"role"`
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Output is a file of the run's directory.
type Output struct {
	cache.File
	// Task is the key of the task that made it, empty for config.yaml.
	Task cache.Key `json:"task,omitempty"`
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
	Warnings []cache.Warning  `json:"warnings,omitempty"`
}

// TaskRecord is a task and what became of it.
type TaskRecord struct {
	Stage        string
	StageVersion int
	// Label names the task for people, and Shard the one file that it is about, where there is one.
	Label   string
	Shard   string
	Spec    json.RawMessage
	Parents []Parent
	Files   []Input
	Key     cache.Key
	// Transient says that the artefact was dropped from the cache once all that read it were made.
	Transient bool
	Status    progress.Status
	// Work is how much the task was expected to compute: see pipeline.Estimate.
	Work float64
	// Seconds is what the task took when its artefact was made, in whatever run. Started is when this run began it, by the clock of the
	// machine that ran it, and Elapsed the seconds until it was over; both are zero where it did not run.
	Seconds  float64
	Started  time.Time
	Elapsed  float64
	Counts   map[string]int64
	Warnings []cache.Warning
	Error    string
	// Worker names the process that ran the task, in a run on several; Tries are the failures of others before it.
	Worker string
	Tries  []Try
}

// Try is a run of a task that came to nothing before another worker ran it.
type Try struct {
	Worker string `json:"worker"`
	Error  string `json:"error"`
}

// Parent is an artefact that a task has read.
type Parent struct {
	Stage string
	// Key is empty where the artefact is missing; Missing is then the label of its task.
	Key     cache.Key
	Missing string
}
