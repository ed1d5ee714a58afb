package pipeline

import (
	"fmt"
	"path/filepath"
	"reflect"
	"sync"
)

// Artefact is a field of a task's spec: the result of another task, which this
// one reads. [Plan.Add] returns it; [Job.Dir] is the directory of its files.
//
// In the spec's JSON it is a mark. Which artefact it is stands in the task's
// parents, which are in the order of the fields.
type Artefact struct {
	stage string
	key   Key
}

// Key is the key of the task that makes the artefact.
func (a Artefact) Key() Key { return a.key }

// Optional is an Artefact that may be missing, because its task failed: the task
// that reads it runs all the same.
type Optional struct{ artefact Artefact }

// IfThere makes an artefact optional.
func IfThere(a Artefact) Optional { return Optional{a} }

// Get returns the artefact, and false if it is missing.
func (o Optional) Get() (Artefact, bool) { return o.artefact, o.artefact.key != "" }

// Input is a field of a task's spec: a file or directory that it reads, by its
// content. [Plan.Input] returns it. It is a mark in the spec's JSON; see
// [Artefact].
type Input struct{ file *File }

// Path is the path of the file, absolute.
func (i Input) Path() string { return i.file.Path }

const (
	artefactMark = `"artefact"`
	inputMark    = `"file"`
)

// MarshalJSON writes a mark.
func (Artefact) MarshalJSON() ([]byte, error) { return []byte(artefactMark), nil }

// UnmarshalJSON reads the mark.
func (*Artefact) UnmarshalJSON(text []byte) error { return readMark(text, artefactMark) }

// MarshalJSON writes a mark.
func (Optional) MarshalJSON() ([]byte, error) { return []byte(artefactMark), nil }

// UnmarshalJSON reads the mark.
func (*Optional) UnmarshalJSON(text []byte) error { return readMark(text, artefactMark) }

// MarshalJSON writes a mark.
func (Input) MarshalJSON() ([]byte, error) { return []byte(inputMark), nil }

// UnmarshalJSON reads the mark.
func (*Input) UnmarshalJSON(text []byte) error { return readMark(text, inputMark) }

func readMark(text []byte, mark string) error {
	if string(text) != mark {
		return fmt.Errorf("got %s where %s stands for an input", text, mark)
	}
	return nil
}

// references visits the inputs of a spec in the order of its fields: values of
// type *Artefact, *Optional and *Input. A spec holds them in structs, slices,
// arrays and behind pointers; in a map they would have no order.
func references(v reflect.Value, visit func(reference any) error) error {
	if !refers(v.Type()) {
		return nil
	}
	switch v.Type() {
	case artefactType, optionalType, inputType:
		return visit(v.Addr().Interface())
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if err := references(v.Field(i), visit); err != nil {
				return err
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := references(v.Index(i), visit); err != nil {
				return err
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return references(v.Elem(), visit)
		}
	default:
		return fmt.Errorf("spec: inputs in a %s have no order", v.Type())
	}
	return nil
}

var (
	artefactType = reflect.TypeFor[Artefact]()
	optionalType = reflect.TypeFor[Optional]()
	inputType    = reflect.TypeFor[Input]()

	referring sync.Map // reflect.Type -> bool
)

// refers reports whether values of a type can hold inputs.
func refers(t reflect.Type) bool {
	switch t {
	case artefactType, optionalType, inputType:
		return true
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return refers(t.Elem())
	case reflect.Struct:
		if known, ok := referring.Load(t); ok {
			return known.(bool)
		}
		found := false
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && refers(f.Type) {
				found = true
			}
		}
		referring.Store(t, found)
		return found
	}
	return false
}

// Input makes a file or directory an input of tasks, by its content. Its role,
// such as "model", is for people's eyes.
func (p *Plan) Input(role, path string) (Input, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Input{}, fmt.Errorf("locate %s: %w", role, err)
	}
	if known, ok := p.inputs[abs]; ok && known.file.Role == role {
		return known, nil
	}
	sum, err := p.hasher.Sum(abs)
	if err != nil {
		return Input{}, fmt.Errorf("hash %s: %w", role, err)
	}
	in := Input{&File{Role: role, Path: abs, Hash: sum.Hash, Size: sum.Size, Stamp: sum.Stamp}}
	p.inputs[abs] = in
	return in, nil
}

// collect lists the inputs of a spec as the parents and files of its task.
func (p *Plan) collect(t *Task, spec any) error {
	v := reflect.ValueOf(spec)
	if !v.IsValid() || !refers(v.Type()) {
		return nil
	}
	held := reflect.New(v.Type()).Elem()
	held.Set(v)
	return references(held, func(reference any) error {
		switch r := reference.(type) {
		case *Artefact:
			return p.parent(t, *r, false)
		case *Optional:
			return p.parent(t, r.artefact, true)
		case *Input:
			if r.file == nil {
				return fmt.Errorf("spec: an input that is no file")
			}
			t.Files = append(t.Files, r.file)
		}
		return nil
	})
}

func (p *Plan) parent(t *Task, a Artefact, optional bool) error {
	if _, ok := p.index[a.key]; !ok {
		return fmt.Errorf("spec: the plan has no task of key %q", a.key.Short())
	}
	t.Parents = append(t.Parents, Parent{Stage: a.stage, Key: a.key, Optional: optional})
	return nil
}

// restore gives a decoded spec the inputs that the task lists.
func (t *Task) restore(spec any) error {
	parents, files := t.Parents, t.Files
	err := references(reflect.ValueOf(spec).Elem(), func(reference any) error {
		if in, ok := reference.(*Input); ok {
			if len(files) == 0 {
				return fmt.Errorf("the spec has more files than the task")
			}
			in.file, files = files[0], files[1:]
			return nil
		}
		if len(parents) == 0 {
			return fmt.Errorf("the spec has more artefacts than the task")
		}
		from := Artefact{parents[0].Stage, parents[0].Key}
		switch r := reference.(type) {
		case *Artefact:
			*r = from
		case *Optional:
			r.artefact = from
		}
		parents = parents[1:]
		return nil
	})
	if err == nil && len(parents)+len(files) > 0 {
		err = fmt.Errorf("the task has %d artefacts and %d files more than the spec", len(parents), len(files))
	}
	return err
}
