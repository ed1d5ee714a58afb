package pipeline

import (
	"context"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync"

	"upi/pipeline/cache"
	"upi/pipeline/manifest"
)

// Stage is a kind of task.
type Stage struct {
	// Name is lower-case letters, digits and _.
	Name string
	// Version is raised by whoever changes what the stage writes.
	Version int

	spec reflect.Type
	run  func(ctx context.Context, job *Job) error
}

// NewStage returns a stage whose tasks have specs of type S. Run does one task:
// it reads what the spec names and writes files below job.Out. It returns soon
// after ctx is done, and is called by several goroutines at once for different
// tasks. Its result depends on nothing but the task.
func NewStage[S any](name string, version int, run func(ctx context.Context, job *Job, spec S) error) *Stage {
	return &Stage{Name: name, Version: version, spec: reflect.TypeFor[S](), run: func(ctx context.Context, job *Job) error {
		var spec S
		if err := job.Task.decode(&spec); err != nil {
			return err
		}
		return run(ctx, job, spec)
	}}
}

// Stages finds a stage by its name.
type Stages map[string]*Stage

// The names under which stages count images; the manifest and metrics.prom show
// them per stage.
const (
	// CountImages is the number of images that a task worked on.
	CountImages = manifest.CountImages
	// CountLeftOut is the number of images that it had to leave out.
	CountLeftOut = manifest.CountLeftOut
)

// Warning counts something that went wrong without stopping a task.
type Warning = cache.Warning

// maxExamples is how many examples a warning keeps.
const maxExamples = 3

// Job is a task while it runs.
type Job struct {
	Task *Task
	// Out is an empty directory for the files of the artefact.
	Out string
	// Log carries the names of the run, the stage and the task.
	Log *slog.Logger

	store   *cache.Store
	advance func(done, total int64)

	mu       sync.Mutex
	counts   map[string]int64
	warnings map[string]*Warning
}

// Dir is the directory of an artefact that the spec names.
func (j *Job) Dir(a Artefact) string { return j.store.Path(a.stage, a.key) }

// Missing are the stages and labels of the optional artefacts that are missing,
// in the order of the spec.
func (j *Job) Missing() []string {
	var missing []string
	for _, p := range j.Task.Parents {
		if p.Missing != "" {
			missing = append(missing, p.Missing)
		}
	}
	return missing
}

// Checkpoint is a directory that is still there, with what was in it, when the
// task is run again after it was stopped or killed. It is removed when the task
// is done.
func (j *Job) Checkpoint() (string, error) { return j.store.Partial(j.Task.Key) }

// Count adds n to the task's count of a name.
func (j *Job) Count(name string, n int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.counts[name] += n
}

// Warn counts n cases of a warning. A few examples are kept, the same ones
// whatever the order of the calls.
func (j *Job) Warn(code string, n int64, example string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	w := j.warnings[code]
	if w == nil {
		w = &Warning{Code: code}
		j.warnings[code] = w
	}
	w.Count += n
	if example != "" {
		w.Examples = mergeExamples(w.Examples, []string{example})
	}
}

// Progress says that done of total parts of the task are done.
func (j *Job) Progress(done, total int64) { j.advance(done, total) }

// tally returns what was counted, warnings in order of their codes.
func (j *Job) tally() (map[string]int64, []Warning) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var warnings []Warning
	for _, code := range slices.Sorted(maps.Keys(j.warnings)) {
		warnings = append(warnings, *j.warnings[code])
	}
	return maps.Clone(j.counts), warnings
}

func mergeExamples(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), maxExamples)]
}

// mergeWarnings adds up warnings of the same code, in order of the codes.
func mergeWarnings(a, b []Warning) []Warning {
	byCode := map[string]Warning{}
	for _, w := range slices.Concat(a, b) {
		sum := byCode[w.Code]
		byCode[w.Code] = Warning{Code: w.Code, Count: sum.Count + w.Count, Examples: mergeExamples(sum.Examples, w.Examples)}
	}
	var merged []Warning
	for _, code := range slices.Sorted(maps.Keys(byCode)) {
		merged = append(merged, byCode[code])
	}
	return merged
}
