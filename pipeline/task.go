package pipeline

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"upi/pipeline/cache"
	"upi/pipeline/content"
	"upi/pipeline/progress"
)

// Key is the SHA-256, in hexadecimal, of everything a task's result depends on.
type Key = cache.Key

// keyFormat is part of every key; a change of it empties all caches.
const keyFormat = "upi-task-1"

// Environment holds what changes bits beside the tasks themselves, such as the
// version of TensorFlow and the kind of device.
type Environment map[string]string

// Task is one unit of work. It is complete: with access to the cache and to the
// input files any process that has the stage can run it.
type Task struct {
	Stage        string `json:"stage"`
	StageVersion int    `json:"stage_version"`
	// Label names the task for people's eyes; it is not part of the key.
	Label string `json:"label"`
	// Shard is the name of the one file that the task is about, where there is
	// one: the task reads nothing else, or what it reads was made from it. It is
	// not part of the key either.
	Shard       string          `json:"shard,omitempty"`
	Spec        json.RawMessage `json:"spec"`
	Environment Environment     `json:"environment,omitempty"`
	Parents     []Parent        `json:"parents,omitempty"`
	Files       []File          `json:"files,omitempty"`
	// Missing are the labels of optional parents that failed.
	Missing []string `json:"missing,omitempty"`
	// Publish has the artefact's files copied into the run's directory.
	Publish  bool     `json:"publish,omitempty"`
	Estimate Estimate `json:"estimate"`
	Key      Key      `json:"key"`
}

// Parent is an artefact that a task reads.
type Parent struct {
	// Role is what the artefact is to the task, such as "reference". Several
	// parents may share a role; their order counts.
	Role  string `json:"role"`
	Stage string `json:"stage"`
	Key   Key    `json:"key"`
	// Optional parents may fail without taking the task with them.
	Optional bool `json:"optional,omitempty"`
}

// File is an input file or directory that a task reads.
type File struct {
	Role string `json:"role"`
	// Path is absolute. It is not part of the key.
	Path string `json:"path"`
	Hash string `json:"hash"`
	Size int64  `json:"size"`
	// Stamp tells cheaply whether the file has been touched since.
	Stamp string `json:"stamp"`
}

func (f File) sum() content.Sum { return content.Sum{Hash: f.Hash, Stamp: f.Stamp, Size: f.Size} }

// Estimate is what a task is expected to cost.
type Estimate struct {
	Seconds float64 `json:"seconds,omitempty"`
	// Bytes is the size of the artefact.
	Bytes int64 `json:"bytes,omitempty"`
	// Memory is held while the task runs.
	Memory int64 `json:"memory,omitempty"`
}

// name is how progress is shown.
func (t Task) name() progress.Task {
	return progress.Task{Stage: t.Stage, Label: t.Label, Shard: t.Shard}
}

// seal computes the task's key.
func (t *Task) seal() error {
	type input struct{ Role, ID string }
	in := struct {
		Format      string
		Stage       string
		Version     int
		Spec        json.RawMessage
		Environment Environment
		Parents     []input
		Files       []input
		Missing     []string
	}{Format: keyFormat, Stage: t.Stage, Version: t.StageVersion, Spec: t.Spec, Environment: t.Environment, Missing: t.Missing}
	for _, p := range t.Parents {
		in.Parents = append(in.Parents, input{p.Role, string(p.Key)})
	}
	for _, f := range t.Files {
		in.Files = append(in.Files, input{f.Role, f.Hash})
	}
	text, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode task: %w", err)
	}
	sum := sha256.Sum256(text)
	t.Key = Key(hex.EncodeToString(sum[:]))
	return nil
}

// canonical encodes a spec with sorted keys and no white space, so that equal
// specs have equal bytes whatever type they were made from.
func canonical(spec any) (json.RawMessage, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	return json.Marshal(value)
}

// Decode reads the spec into the value that into points to. A key that it does
// not have is an error.
func (t *Task) Decode(into any) error {
	d := json.NewDecoder(bytes.NewReader(t.Spec))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("decode spec of %s: %w", t.Stage, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("decode spec of %s: more than one value", t.Stage)
	}
	return nil
}

// rekey returns the task with the keys of parents that were themselves rekeyed,
// and without the optional parents in failed (by planned key, with label).
func (t Task) rekey(actual map[Key]Key, failed map[Key]string) (Task, error) {
	parents := make([]Parent, 0, len(t.Parents))
	missing := slices.Clone(t.Missing)
	for _, p := range t.Parents {
		if label, gone := failed[p.Key]; gone {
			missing = append(missing, p.Role+" "+label)
			continue
		}
		if k, ok := actual[p.Key]; ok {
			p.Key = k
		}
		parents = append(parents, p)
	}
	if slices.Equal(parents, t.Parents) && len(missing) == len(t.Missing) {
		return t, nil
	}
	t.Parents, t.Missing = parents, missing
	return t, t.seal()
}
