package pipeline

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"

	"upi/pipeline/cache"
	"upi/pipeline/content"
)

// Plan holds the tasks of a run, parents before children.
type Plan struct {
	environment Environment
	hasher      *content.Hasher
	tasks       []*Task
	index       map[Key]int
	stages      Stages
	inputs      map[string]Input
	// specs holds each spec once: the tasks of one perturbation differ in little
	// but in the artefacts that they read.
	specs map[string]json.RawMessage
	// paces are those of an earlier run.
	paces Paces
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
		inputs:      map[string]Input{},
		specs:       map[string]json.RawMessage{},
	}
}

// Option adds to a task.
type Option func(*Task)

// Costs gives a task's estimate.
func Costs(e Estimate) Option { return func(t *Task) { t.Estimate = e } }

// Transient has the artefact dropped from the cache once all that read it are made.
func Transient() Option { return func(t *Task) { t.Transient = true } }

// Published has the files of the artefact copied into the run's directory.
func Published() Option { return func(t *Task) { t.Publish = true } }

// Add adds a task, unless the plan has one of the same key, and returns what it
// makes. The spec is of the stage's type; its fields of type [Artefact],
// [Optional] and [Input] are what the task reads.
func (p *Plan) Add(stage *Stage, label string, spec any, options ...Option) (Artefact, error) {
	fail := func(err error) (Artefact, error) {
		return Artefact{}, fmt.Errorf("plan %s %s: %w", stage.Name, label, err)
	}
	if p.stages[stage.Name] != stage {
		if err := cache.CheckStage(stage.Name); err != nil {
			return fail(err)
		}
		if p.stages[stage.Name] != nil {
			return fail(fmt.Errorf("there are two stages of that name"))
		}
	}
	if t := reflect.TypeOf(spec); t != stage.spec {
		return fail(fmt.Errorf("the spec is a %v, the stage takes a %v", t, stage.spec))
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return fail(fmt.Errorf("encode spec: %w", err))
	}
	t := &Task{Stage: stage.Name, StageVersion: stage.Version, Label: label, Spec: p.intern(text), Environment: p.environment}
	if err := p.collect(t, spec); err != nil {
		return fail(err)
	}
	for _, option := range options {
		option(t)
	}
	if p.stages[stage.Name] == nil {
		if err := t.survives(spec); err != nil {
			return fail(err)
		}
	}
	t.seal()
	made := Artefact{t.Stage, t.Key}
	if _, ok := p.index[t.Key]; ok {
		return made, nil
	}
	t.Shard = p.shard(t)
	p.index[t.Key] = len(p.tasks)
	p.tasks = append(p.tasks, t)
	p.stages[stage.Name] = stage
	return made, nil
}

func (p *Plan) intern(spec []byte) json.RawMessage {
	if known, ok := p.specs[string(spec)]; ok {
		return known
	}
	p.specs[string(spec)] = spec
	return spec
}

// shard finds the file that a task is about: the only one that it reads if it has
// no parents, else the only one of such parents.
func (p *Plan) shard(t *Task) string {
	if len(t.Parents) == 0 && len(t.Files) == 1 {
		return filepath.Base(t.Files[0].Path)
	}
	found := ""
	for _, parent := range t.Parents {
		from := p.tasks[p.index[parent.Key]]
		if len(from.Parents) > 0 || from.Shard == "" || from.Shard == found {
			continue
		}
		if found != "" {
			return ""
		}
		found = from.Shard
	}
	return found
}

// Tasks are the tasks of the plan, parents before children.
func (p *Plan) Tasks() []*Task { return slices.Clone(p.tasks) }

// Task is the task of a key, if the plan has it.
func (p *Plan) Task(key Key) (*Task, bool) {
	i, ok := p.index[key]
	if !ok {
		return nil, false
	}
	return p.tasks[i], true
}

// Stages are the stages that the plan uses.
func (p *Plan) Stages() Stages { return maps.Clone(p.stages) }

// StageNames are the names of the stages in the order of their first task.
func (p *Plan) StageNames() []string {
	var names []string
	seen := map[string]bool{}
	for _, t := range p.tasks {
		if !seen[t.Stage] {
			seen[t.Stage] = true
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
