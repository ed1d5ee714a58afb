package pipeline

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"upi/pipeline/atomicfile"
)

// The files of a stored plan. A task's record is at an offset that the index
// has, so that a process reads those tasks alone that it runs.
const (
	planFile  = "plan.json"   // what tasks share, written last
	tasksFile = "tasks.jsonl" // a record for each task
	indexFile = "tasks.index" // the end of each record, little-endian uint64
	keysFile  = "tasks.keys"  // the key of each task, 32 bytes
)

// storedHeader is what the tasks of a stored plan share; records have the
// numbers of specs and files, counted from 0.
type storedHeader struct {
	Tasks       int               `json:"tasks"`
	Environment Environment       `json:"environment"`
	Specs       []json.RawMessage `json:"specs"`
	Files       []*File           `json:"files"`
}

type storedTask struct {
	Stage        string   `json:"stage"`
	StageVersion int      `json:"stage_version"`
	Label        string   `json:"label"`
	Shard        string   `json:"shard,omitempty"`
	Spec         int      `json:"spec"`
	Parents      []int    `json:"parents,omitempty"`
	Optional     []int    `json:"optional,omitempty"` // positions in Parents
	Files        []int    `json:"files,omitempty"`
	Publish      bool     `json:"publish,omitempty"`
	Transient    bool     `json:"transient,omitempty"`
	Estimate     Estimate `json:"estimate"`
}

// Store writes the plan to files in a directory, for [OpenPlan].
func (p *Plan) Store(dir string) error {
	h := storedHeader{Tasks: len(p.tasks), Environment: p.environment}
	specs, files := map[string]int{}, map[*File]int{}
	records, err := atomicfile.Create(filepath.Join(dir, tasksFile))
	if err != nil {
		return fmt.Errorf("store plan: %w", err)
	}
	defer records.Abort()
	out := bufio.NewWriterSize(records, 1<<20)
	index, keys := make([]byte, 0, 8*len(p.tasks)), make([]byte, 0, 32*len(p.tasks))
	end := 0
	for _, t := range p.tasks {
		record, err := json.Marshal(p.storedTask(t, &h, specs, files))
		if err != nil {
			return fmt.Errorf("store plan: %w", err)
		}
		n, err := out.Write(append(record, '\n'))
		if err != nil {
			return fmt.Errorf("store plan: %w", err)
		}
		end += n
		index = binary.LittleEndian.AppendUint64(index, uint64(end))
		if keys, err = hex.AppendDecode(keys, []byte(t.Key)); err != nil {
			return fmt.Errorf("store plan: key %s: %w", t.Key, err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("store plan: %w", err)
	}
	if err := records.Close(); err != nil {
		return fmt.Errorf("store plan: %w", err)
	}
	header, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("store plan: %w", err)
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{indexFile, index}, {keysFile, keys}, {planFile, header}} {
		if err := atomicfile.WriteFile(filepath.Join(dir, f.name), f.data); err != nil {
			return fmt.Errorf("store plan: %w", err)
		}
	}
	return nil
}

func (p *Plan) storedTask(t *Task, h *storedHeader, specs map[string]int, files map[*File]int) storedTask {
	s := storedTask{Stage: t.Stage, StageVersion: t.StageVersion, Label: t.Label, Shard: t.Shard, Publish: t.Publish,
		Transient: t.Transient, Estimate: t.Estimate}
	number, ok := specs[string(t.Spec)]
	if !ok {
		number = len(h.Specs)
		specs[string(t.Spec)] = number
		h.Specs = append(h.Specs, t.Spec)
	}
	s.Spec = number
	for i, parent := range t.Parents {
		s.Parents = append(s.Parents, p.index[parent.Key])
		if parent.Optional {
			s.Optional = append(s.Optional, i)
		}
	}
	for _, f := range t.Files {
		number, ok := files[f]
		if !ok {
			number = len(h.Files)
			files[f] = number
			h.Files = append(h.Files, f)
		}
		s.Files = append(s.Files, number)
	}
	return s
}

// StoredPlan is a plan in files, of which single tasks can be read. It is safe
// for concurrent use.
type StoredPlan struct {
	storedHeader
	tasks *os.File
	index []byte
	keys  []byte
}

// OpenPlan opens the plan that [Plan.Store] has written to a directory.
func OpenPlan(dir string) (*StoredPlan, error) {
	s := &StoredPlan{}
	header, err := os.ReadFile(filepath.Join(dir, planFile))
	if err != nil {
		return nil, fmt.Errorf("open plan: %w", err)
	}
	if err := json.Unmarshal(header, &s.storedHeader); err != nil {
		return nil, fmt.Errorf("open plan %s: %w", dir, err)
	}
	if s.index, err = os.ReadFile(filepath.Join(dir, indexFile)); err != nil {
		return nil, fmt.Errorf("open plan: %w", err)
	}
	if s.keys, err = os.ReadFile(filepath.Join(dir, keysFile)); err != nil {
		return nil, fmt.Errorf("open plan: %w", err)
	}
	if n := s.storedHeader.Tasks; len(s.index) != 8*n || len(s.keys) != 32*n {
		return nil, fmt.Errorf("open plan %s: its files do not belong together", dir)
	}
	if s.tasks, err = os.Open(filepath.Join(dir, tasksFile)); err != nil {
		return nil, fmt.Errorf("open plan: %w", err)
	}
	return s, nil
}

// Close closes the files.
func (s *StoredPlan) Close() error { return s.tasks.Close() }

// Len is the number of tasks.
func (s *StoredPlan) Len() int { return s.storedHeader.Tasks }

func (s *StoredPlan) key(i int) Key { return Key(hex.EncodeToString(s.keys[32*i : 32*i+32])) }

// read reads the record of task number i.
func (s *StoredPlan) read(i int) (*storedTask, error) {
	if i < 0 || i >= s.Len() {
		return nil, fmt.Errorf("read plan: task %d of %d", i, s.Len())
	}
	begin := uint64(0)
	if i > 0 {
		begin = binary.LittleEndian.Uint64(s.index[8*(i-1):])
	}
	record := make([]byte, binary.LittleEndian.Uint64(s.index[8*i:])-begin)
	if _, err := s.tasks.ReadAt(record, int64(begin)); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	r := &storedTask{}
	if err := json.Unmarshal(record, r); err != nil {
		return nil, fmt.Errorf("read plan %s: task %d: %w", s.tasks.Name(), i, err)
	}
	if r.Spec < 0 || r.Spec >= len(s.Specs) {
		return nil, fmt.Errorf("read plan %s: task %d: spec %d of %d", s.tasks.Name(), i, r.Spec, len(s.Specs))
	}
	for _, p := range r.Parents {
		if p < 0 || p >= i {
			return nil, fmt.Errorf("read plan %s: task %d: parent %d does not come before it", s.tasks.Name(), i, p)
		}
	}
	for _, f := range r.Files {
		if f < 0 || f >= len(s.Files) {
			return nil, fmt.Errorf("read plan %s: task %d: file %d of %d", s.tasks.Name(), i, f, len(s.Files))
		}
	}
	return r, nil
}

// Task reads task number i of the plan, as it was planned.
func (s *StoredPlan) Task(i int) (*Task, error) {
	r, err := s.read(i)
	if err != nil {
		return nil, err
	}
	t := &Task{Stage: r.Stage, StageVersion: r.StageVersion, Label: r.Label, Shard: r.Shard, Spec: s.Specs[r.Spec],
		Environment: s.Environment, Publish: r.Publish, Transient: r.Transient, Estimate: r.Estimate}
	for _, p := range r.Parents {
		of, err := s.read(p)
		if err != nil {
			return nil, err
		}
		t.Parents = append(t.Parents, Parent{Stage: of.Stage, Key: s.key(p)})
	}
	for _, position := range r.Optional {
		t.Parents[position].Optional = true
	}
	for _, f := range r.Files {
		t.Files = append(t.Files, s.Files[f])
	}
	t.seal()
	if t.Key != s.key(i) {
		return nil, fmt.Errorf("read plan %s: task %d (%s %s) has another key than the plan says", s.tasks.Name(), i, t.Stage, t.Label)
	}
	return t, nil
}

// Rest is a stored plan of which some tasks have come to nothing: they failed,
// or lacked one that did. It is safe for concurrent use.
type Rest struct {
	plan   *StoredPlan
	gone   map[int]bool
	lowest int
	actual memo[int, Key]
}

// Without returns the plan without the tasks of these numbers.
func (s *StoredPlan) Without(gone []int) *Rest {
	r := &Rest{plan: s, gone: map[int]bool{}, lowest: s.Len()}
	for _, i := range gone {
		r.gone[i] = true
		r.lowest = min(r.lowest, i)
	}
	return r
}

// Lost reports whether task number i cannot run: it needs a task that is gone,
// or all that it reads are gone.
func (r *Rest) Lost(i int) (bool, error) {
	if i <= r.lowest {
		return false, nil
	}
	record, err := r.plan.read(i)
	if err != nil {
		return false, err
	}
	optional := map[int]bool{}
	for _, position := range record.Optional {
		optional[position] = true
	}
	some := len(record.Parents) == 0
	for position, p := range record.Parents {
		if r.gone[p] && !optional[position] {
			return true, nil
		}
		some = some || !r.gone[p]
	}
	return !some, nil
}

// Task reads task number i as it is to be run: without the optional parents
// that are gone, as [Local] runs it.
func (r *Rest) Task(i int) (*Task, error) {
	t, err := r.plan.Task(i)
	if err != nil || i <= r.lowest {
		return t, err
	}
	record, err := r.plan.read(i)
	if err != nil {
		return nil, err
	}
	actual, failed := map[Key]Key{}, map[Key]string{}
	for position, p := range record.Parents {
		planned := t.Parents[position].Key
		if r.gone[p] {
			of, err := r.plan.read(p)
			if err != nil {
				return nil, err
			}
			failed[planned] = of.Label
			continue
		}
		if actual[planned], err = r.key(p); err != nil {
			return nil, err
		}
	}
	return t.rekey(actual, failed), nil
}

// key is the key under which task number i is run.
func (r *Rest) key(i int) (Key, error) {
	if i <= r.lowest {
		return r.plan.key(i), nil
	}
	return r.actual.get(i, func() (Key, error) {
		t, err := r.Task(i)
		if err != nil {
			return "", err
		}
		return t.Key, nil
	})
}
