package pipeline

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"upi/pipeline/cache"
	"upi/pipeline/content"
)

// Plan holds the tasks of a run, parents before children.
type Plan struct {
	environment Environment
	hasher      *content.Hasher
	tasks       []Task
	index       map[Key]int
	stages      Stages
	sums        map[string]content.Sum
}

// NewPlan returns an empty plan. The hasher, which may be nil, remembers the
// hashes of input files from one run to the next.
func NewPlan(environment Environment, hasher *content.Hasher) *Plan {
	if hasher == nil {
		hasher = content.NewHasher("")
	}
	return &Plan{
		environment: maps.Clone(environment),
		hasher:      hasher,
		index:       map[Key]int{},
		stages:      Stages{},
		sums:        map[string]content.Sum{},
	}
}

// Option adds to a task.
type Option func(*Plan, *Task) error

// From makes the artefact of an earlier task of the plan an input.
func From(role string, key Key) Option {
	return func(p *Plan, t *Task) error {
		i, ok := p.index[key]
		if !ok {
			return fmt.Errorf("parent %s: the plan has no task of key %s", role, key.Short())
		}
		t.Parents = append(t.Parents, Parent{Role: role, Stage: p.tasks[i].Stage, Key: key})
		return nil
	}
}

// FromIfThere is From for a parent whose failure does not keep the task from
// running; see [Job.Missing].
func FromIfThere(role string, key Key) Option {
	return func(p *Plan, t *Task) error {
		if err := From(role, key)(p, t); err != nil {
			return err
		}
		t.Parents[len(t.Parents)-1].Optional = true
		return nil
	}
}

// Reads makes a file or directory an input, by its content.
func Reads(role, path string) Option {
	return func(p *Plan, t *Task) error {
		abs, err := filepath.Abs(path)
		if err != nil {
			return fmt.Errorf("locate %s: %w", role, err)
		}
		sum, ok := p.sums[abs]
		if !ok {
			if sum, err = p.hasher.Sum(abs); err != nil {
				return fmt.Errorf("hash %s: %w", role, err)
			}
			p.sums[abs] = sum
		}
		t.Files = append(t.Files, File{Role: role, Path: abs, Hash: sum.Hash, Size: sum.Size, Stamp: sum.Stamp})
		return nil
	}
}

// Costs gives a task's estimate.
func Costs(e Estimate) Option {
	return func(_ *Plan, t *Task) error {
		t.Estimate = e
		return nil
	}
}

// Published has the files of the artefact copied into the run's directory.
func Published() Option {
	return func(_ *Plan, t *Task) error {
		t.Publish = true
		return nil
	}
}

// Add adds a task, unless the plan has one of the same key, and returns its key.
// The spec is a value that encoding/json takes.
func (p *Plan) Add(stage *Stage, label string, spec any, options ...Option) (Key, error) {
	fail := func(err error) (Key, error) { return "", fmt.Errorf("plan %s %s: %w", stage.Name, label, err) }
	if err := cache.CheckStage(stage.Name); err != nil {
		return fail(err)
	}
	if known, ok := p.stages[stage.Name]; ok && known != stage {
		return fail(fmt.Errorf("there are two stages of that name"))
	}
	text, err := canonical(spec)
	if err != nil {
		return fail(fmt.Errorf("encode spec: %w", err))
	}
	t := Task{Stage: stage.Name, StageVersion: stage.Version, Label: label, Spec: text, Environment: p.environment}
	for _, option := range options {
		if err := option(p, &t); err != nil {
			return fail(err)
		}
	}
	t.Shard = p.shard(t)
	if err := t.seal(); err != nil {
		return fail(err)
	}
	if _, ok := p.index[t.Key]; !ok {
		p.index[t.Key] = len(p.tasks)
		p.tasks = append(p.tasks, t)
		p.stages[stage.Name] = stage
	}
	return t.Key, nil
}

// shard finds the file that a task is about: the only one that it reads if it has
// no parents, else the only one of such parents.
func (p *Plan) shard(t Task) string {
	if len(t.Parents) == 0 && len(t.Files) == 1 {
		return filepath.Base(t.Files[0].Path)
	}
	var found []string
	for _, parent := range t.Parents {
		if from := p.tasks[p.index[parent.Key]]; len(from.Parents) == 0 && from.Shard != "" {
			found = append(found, from.Shard)
		}
	}
	if slices.Sort(found); len(slices.Compact(found)) == 1 {
		return found[0]
	}
	return ""
}

// Tasks are the tasks of the plan, parents before children.
func (p *Plan) Tasks() []Task { return slices.Clone(p.tasks) }

// Task is the task of a key, if the plan has it.
func (p *Plan) Task(key Key) (Task, bool) {
	i, ok := p.index[key]
	if !ok {
		return Task{}, false
	}
	return p.tasks[i], true
}

// Stages are the stages that the plan uses.
func (p *Plan) Stages() Stages { return maps.Clone(p.stages) }

// StageNames are the names of the stages in the order of their first task.
func (p *Plan) StageNames() []string {
	var names []string
	for _, t := range p.tasks {
		if !slices.Contains(names, t.Stage) {
			names = append(names, t.Stage)
		}
	}
	return names
}

// Keys are the keys of all tasks, in order.
func (p *Plan) Keys() []Key {
	keys := make([]Key, len(p.tasks))
	for i, t := range p.tasks {
		keys[i] = t.Key
	}
	return keys
}
