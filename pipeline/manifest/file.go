package manifest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"upi/pipeline/cache"
	"upi/pipeline/progress"
)

// Name is the name of a manifest in a run's directory, and Format the version of it that this package reads and writes.
const (
	Name   = "manifest.json"
	Format = 2
)

// A storedTask is a TaskRecord as the file has it. The tasks of a run share specs and inputs and read one another's artefacts, so
// these stand there once, and a task has their numbers, counted from 0.
type storedTask struct {
	Stage        string `json:"stage"`
	StageVersion int    `json:"stage_version"`
	Label        string `json:"label"`
	Shard        string `json:"shard,omitempty"`
	// Spec is a number of Manifest.Specs.
	Spec int `json:"spec"`
	// Parents are numbers of tasks; an artefact that was missing is the label of its task instead.
	Parents []any `json:"parents,omitempty"`
	// Files are numbers of Manifest.Inputs.
	Files     []int            `json:"files,omitempty"`
	Key       cache.Key        `json:"key"`
	Transient bool             `json:"transient,omitempty"`
	Status    progress.Status  `json:"status"`
	Work      float64          `json:"work,omitempty"`
	Seconds   float64          `json:"seconds"`
	Started   time.Time        `json:"started,omitzero"`
	Elapsed   float64          `json:"elapsed,omitempty"`
	Counts    map[string]int64 `json:"counts,omitempty"`
	Warnings  []cache.Warning  `json:"warnings,omitempty"`
	Error     string           `json:"error,omitempty"`
	Worker    string           `json:"worker,omitempty"`
	Tries     []Try            `json:"tries,omitempty"`
}

// Write writes the manifest as JSON: specs and tasks a line each, since a run can have a million of them.
func (m *Manifest) Write(w io.Writer) error {
	specs, inputs, tasks := numbers[string]{}, numbers[Input]{}, numbers[cache.Key]{}
	for _, in := range m.Inputs {
		inputs.of(in)
	}
	for i := range m.Tasks {
		specs.of(string(m.Tasks[i].Spec))
		tasks.of(m.Tasks[i].Key)
	}
	head, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return fmt.Errorf("encode manifest: %w", err)
	}
	out := bufio.NewWriterSize(w, 1<<20)
	out.Write(bytes.TrimSuffix(head, []byte("\n}")))
	lines := func(name string, n int, line func(i int) ([]byte, error)) error {
		fmt.Fprintf(out, ",\n %q: [", name)
		for i := range n {
			text, err := line(i)
			if err != nil {
				return fmt.Errorf("encode manifest: %w", err)
			}
			if i > 0 {
				out.WriteByte(',')
			}
			out.WriteString("\n  ")
			out.Write(text)
		}
		_, err := out.WriteString("\n ]")
		return err
	}
	if err := lines("specs", len(specs.values), func(i int) ([]byte, error) { return []byte(specs.values[i]), nil }); err != nil {
		return err
	}
	if err := lines("tasks", len(m.Tasks), func(i int) ([]byte, error) {
		return json.Marshal(m.Tasks[i].stored(specs, inputs, tasks))
	}); err != nil {
		return err
	}
	out.WriteString("\n}\n")
	return out.Flush()
}

// numbers counts distinct values in the order of their first appearance.
type numbers[T comparable] struct {
	values []T
	known  map[T]int
}

func (n *numbers[T]) of(value T) int {
	i, ok := n.known[value]
	if !ok {
		if n.known == nil {
			n.known = map[T]int{}
		}
		i = len(n.values)
		n.known[value] = i
		n.values = append(n.values, value)
	}
	return i
}

func (t *TaskRecord) stored(specs numbers[string], inputs numbers[Input], tasks numbers[cache.Key]) storedTask {
	s := storedTask{Stage: t.Stage, StageVersion: t.StageVersion, Label: t.Label, Shard: t.Shard, Spec: specs.known[string(t.Spec)],
		Key: t.Key, Transient: t.Transient, Work: t.Work, Status: t.Status, Seconds: t.Seconds, Started: t.Started, Elapsed: t.Elapsed, Counts: t.Counts, Warnings: t.Warnings, Error: t.Error,
		Worker: t.Worker, Tries: t.Tries}
	for _, p := range t.Parents {
		if p.Key == "" {
			s.Parents = append(s.Parents, p.Missing)
		} else {
			s.Parents = append(s.Parents, tasks.known[p.Key])
		}
	}
	for _, f := range t.Files {
		s.Files = append(s.Files, inputs.known[f])
	}
	return s
}

// ReadDir reads the manifest of a run's directory; the error wraps os.ErrNotExist if there is none.
func ReadDir(run string) (*Manifest, error) { return Read(filepath.Join(run, Name)) }

// Read reads a manifest. A format that this package does not know is an error.
func Read(path string) (*Manifest, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	var file struct {
		Manifest
		Specs []json.RawMessage `json:"specs"`
		Tasks []storedTask      `json:"tasks"`
	}
	if err := checkFormat(path, text); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", path, err)
	}
	m := &file.Manifest
	m.Tasks = make([]TaskRecord, len(file.Tasks))
	for i := range file.Tasks {
		if err := m.restore(i, file.Tasks, file.Specs); err != nil {
			return nil, fmt.Errorf("read manifest %s: task %d: %w", path, i, err)
		}
	}
	return m, nil
}

func checkFormat(path string, text []byte) error {
	var format struct{ Format int }
	if err := json.Unmarshal(text, &format); err != nil {
		return fmt.Errorf("read manifest %s: %w", path, err)
	}
	if format.Format != Format {
		return fmt.Errorf("read manifest %s: format %d, this program reads %d: another version of upi has written it; run the configuration again", path, format.Format, Format)
	}
	return nil
}

// ReadHead reads a manifest without its tasks, of which there can be a million.
func ReadHead(path string) (*Manifest, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	if err := checkFormat(path, text); err != nil {
		return nil, err
	}
	m := &Manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", path, err)
	}
	return m, nil
}

// restore makes a record of task number i.
func (m *Manifest) restore(i int, tasks []storedTask, specs []json.RawMessage) error {
	s := &tasks[i]
	if s.Spec < 0 || s.Spec >= len(specs) {
		return fmt.Errorf("spec %d of %d", s.Spec, len(specs))
	}
	t := TaskRecord{Stage: s.Stage, StageVersion: s.StageVersion, Label: s.Label, Shard: s.Shard, Spec: specs[s.Spec],
		Key: s.Key, Transient: s.Transient, Work: s.Work, Status: s.Status, Seconds: s.Seconds, Started: s.Started, Elapsed: s.Elapsed, Counts: s.Counts, Warnings: s.Warnings, Error: s.Error,
		Worker: s.Worker, Tries: s.Tries}
	for _, p := range s.Parents {
		switch p := p.(type) {
		case string:
			t.Parents = append(t.Parents, Parent{Missing: p})
		case float64:
			if p < 0 || int(p) >= i {
				return fmt.Errorf("parent %v does not come before it", p)
			}
			t.Parents = append(t.Parents, Parent{Stage: tasks[int(p)].Stage, Key: tasks[int(p)].Key})
		default:
			return fmt.Errorf("parent %v is neither a task nor the label of one", p)
		}
	}
	for _, number := range s.Files {
		if number < 0 || number >= len(m.Inputs) {
			return fmt.Errorf("file %d of %d", number, len(m.Inputs))
		}
		t.Files = append(t.Files, m.Inputs[number])
	}
	m.Tasks[i] = t
	return nil
}
