package pipeline

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"

	"upi/pipeline/cache"
	"upi/pipeline/content"
	"upi/pipeline/progress"
)

// Key is the SHA-256, in hexadecimal, of everything a task's result depends on.
type Key = cache.Key

// keyFormat is part of every key; a change of it empties all caches.
const keyFormat = "upi-task-2"

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
	// Parents and Files are the inputs that the spec has marks for, in the order
	// of its fields.
	Parents []Parent `json:"parents,omitempty"`
	Files   []*File  `json:"files,omitempty"`
	// Publish has the artefact's files copied into the run's directory.
	Publish bool `json:"publish,omitempty"`
	// Transient artefacts are dropped from the cache once all that read them are made, and made again only for one that is not. It is
	// not part of the key.
	Transient bool     `json:"transient,omitempty"`
	Estimate  Estimate `json:"estimate"`
	Key       Key      `json:"key"`
}

// Parent is an artefact that a task reads.
type Parent struct {
	Stage string `json:"stage"`
	// Key is empty if the parent is missing.
	Key Key `json:"key,omitempty"`
	// Optional parents may fail without taking the task with them.
	Optional bool `json:"optional,omitempty"`
	// Missing is the label of an optional parent that failed.
	Missing string `json:"missing,omitempty"`
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
	// Bytes is the size of the artefact.
	Bytes int64 `json:"bytes,omitempty"`
	// Work is how much the task computes: about as many first derivatives of one image by a network, of whatever size it is. 0 is next to
	// nothing, or not known.
	Work float64 `json:"work,omitempty"`
}

// name is how progress is shown.
func (t *Task) name() progress.Task {
	return progress.Task{Stage: t.Stage, Label: t.Label, Shard: t.Shard, Work: t.Estimate.Work}
}

// seal computes the task's key: the SHA-256 of what its result depends on, each
// text and list after its length as a little-endian uint64.
func (t *Task) seal() {
	h := sha256.New()
	length := make([]byte, 8)
	number := func(n int) {
		binary.LittleEndian.PutUint64(length, uint64(n))
		h.Write(length)
	}
	write := func(text string) {
		number(len(text))
		io.WriteString(h, text)
	}
	write(keyFormat)
	write(t.Stage)
	number(t.StageVersion)
	number(len(t.Environment))
	for _, name := range slices.Sorted(maps.Keys(t.Environment)) {
		write(name)
		write(t.Environment[name])
	}
	number(len(t.Spec))
	h.Write(t.Spec)
	number(len(t.Parents))
	for _, p := range t.Parents {
		write(string(p.Key))
	}
	number(len(t.Files))
	for _, f := range t.Files {
		write(f.Hash)
	}
	t.Key = Key(hex.EncodeToString(h.Sum(nil)))
}

// canonical encodes a value with sorted keys and no white space, so that equal
// values have equal bytes whatever type they were made from.
func canonical(value any) (json.RawMessage, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		return nil, err
	}
	return json.Marshal(plain)
}

// decode reads the spec into the value that into points to, with its inputs. A
// key that it does not have is an error.
func (t *Task) decode(into any) error {
	d := json.NewDecoder(bytes.NewReader(t.Spec))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = fmt.Errorf("more than one value")
		}
	}
	if err == nil {
		err = t.restore(into)
	}
	if err != nil {
		return fmt.Errorf("decode spec of %s: %w", t.Stage, err)
	}
	return nil
}

// survives returns an error if the spec loses something on its way through JSON,
// as a field does whose name another one shadows.
func (t *Task) survives(spec any) error {
	back := reflect.New(reflect.TypeOf(spec))
	if err := t.decode(back.Interface()); err != nil {
		return err
	}
	if !reflect.DeepEqual(back.Elem().Interface(), spec) {
		return fmt.Errorf("the spec does not survive JSON: %+v comes back as %+v", spec, back.Elem().Interface())
	}
	return nil
}

// rekey returns the task with the keys of parents that were themselves rekeyed,
// and without the optional parents in failed (by planned key, with label).
func (t *Task) rekey(actual map[Key]Key, failed map[Key]string) *Task {
	var parents []Parent
	for i, p := range t.Parents {
		if label, gone := failed[p.Key]; gone {
			p.Key, p.Missing = "", p.Stage+" "+label
		} else if k, ok := actual[p.Key]; ok {
			p.Key = k
		}
		if p != t.Parents[i] && parents == nil {
			parents = slices.Clone(t.Parents)
		}
		if parents != nil {
			parents[i] = p
		}
	}
	if parents == nil {
		return t
	}
	other := *t
	other.Parents = parents
	other.seal()
	return &other
}
