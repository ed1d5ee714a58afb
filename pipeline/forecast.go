package pipeline

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"upi/pipeline/cache"
)

// Forecast says what a run would do with a task, and why.
type Forecast struct {
	Task *Task
	// Hit is true if the artefact is in the cache, or is not needed since all that read it are.
	Hit bool
	// Reasons say for a task that would run what has changed since the run
	// before.
	Reasons []string
}

// Foresee looks up every task of the plan. Previous, which may be nil, is the
// manifest of the run before.
func Foresee(plan *Plan, store *cache.Store, previous *Manifest) ([]Forecast, error) {
	h := newHistory(plan, previous)
	all := make([]Forecast, 0, len(plan.tasks))
	spared, err := Spared(plan, store)
	if err != nil {
		return nil, err
	}
	for i, t := range plan.tasks {
		f := Forecast{Task: t}
		a, err := store.Lookup(t.Stage, t.Key)
		switch {
		case a != nil, spared[i]:
			f.Hit = true
		case err != nil:
			f.Reasons = append([]string{err.Error()}, h.why(t)...)
		default:
			f.Reasons = h.why(t)
		}
		all = append(all, f)
	}
	return all, nil
}

// history finds the task of the run before that a task is to be compared with.
type history struct {
	plan   *Plan
	labels map[string]*Task // by stage and label
	// gone are the tasks whose stage and label the plan no longer has, by stage
	// and, within, by spec.
	gone  map[string][]*generation
	known map[string]map[string]string // spec -> what flatten makes of it
	specs map[specs][]Change
}

// A generation is the tasks of one stage and spec.
type generation struct {
	spec  string
	tasks []*Task
}

type specs struct{ before, now string }

func newHistory(plan *Plan, previous *Manifest) *history {
	h := &history{plan: plan, labels: map[string]*Task{}, gone: map[string][]*generation{},
		known: map[string]map[string]string{}, specs: map[specs][]Change{}}
	if previous == nil {
		return h
	}
	planned := map[string]bool{}
	for _, t := range plan.tasks {
		planned[t.Stage+" "+t.Label] = true
	}
	generations := map[string]*generation{}
	for i := range previous.Tasks {
		t := recordedTask(&previous.Tasks[i], previous.Environment)
		name := t.Stage + " " + t.Label
		if _, there := h.labels[name]; !there {
			h.labels[name] = t
		}
		if planned[name] {
			continue
		}
		g := generations[t.Stage+string(t.Spec)]
		if g == nil {
			g = &generation{spec: string(t.Spec)}
			generations[t.Stage+string(t.Spec)] = g
			h.gone[t.Stage] = append(h.gone[t.Stage], g)
		}
		g.tasks = append(g.tasks, t)
	}
	return h
}

// before returns the task of the same stage and label; else, since labels tend
// to hold settings, one of those that are gone whose spec differs least, of the
// same shard if there is one.
func (h *history) before(t *Task) *Task {
	if old := h.labels[t.Stage+" "+t.Label]; old != nil {
		return old
	}
	var best *generation
	fewest := 0
	for _, g := range h.gone[t.Stage] {
		if n := len(h.changes(g.spec, string(t.Spec))); best == nil || n < fewest {
			best, fewest = g, n
		}
	}
	if best == nil {
		return nil
	}
	if i := slices.IndexFunc(best.tasks, func(old *Task) bool { return old.Shard == t.Shard }); i >= 0 {
		return best.tasks[i]
	}
	return best.tasks[0]
}

var firstRun = []string{"there was no run before"}

func (h *history) why(t *Task) []string {
	if len(h.labels) == 0 {
		return firstRun
	}
	switch old := h.before(t); {
	case old == nil:
		return []string{"new"}
	case old.Key == t.Key && t.Transient:
		return []string{"its artefact was dropped, and is read again"}
	case old.Key == t.Key:
		return []string{"its artefact is no longer in the cache"}
	default:
		return h.compare(old, t)
	}
}

// changes compares two specs, once for all tasks that have them.
func (h *history) changes(before, now string) []Change {
	pair := specs{before, now}
	if before == now {
		return nil
	}
	known, ok := h.specs[pair]
	if !ok {
		known = changes(h.flat(before), h.flat(now))
		h.specs[pair] = known
	}
	return known
}

func (h *history) flat(spec string) map[string]string {
	known, ok := h.known[spec]
	if !ok {
		known = flatten(json.RawMessage(spec))
		h.known[spec] = known
	}
	return known
}

func (h *history) compare(old, t *Task) []string {
	var why []string
	if old.StageVersion != t.StageVersion {
		why = append(why, fmt.Sprintf("stage version %d -> %d", old.StageVersion, t.StageVersion))
	}
	for _, c := range changes(old.Environment, t.Environment) {
		why = append(why, c.String())
	}
	for _, c := range h.changes(string(old.Spec), string(t.Spec)) {
		why = append(why, c.String())
	}
	for i, f := range t.Files {
		switch {
		case i >= len(old.Files):
			why = append(why, fmt.Sprintf("%s %s is new", f.Role, filepath.Base(f.Path)))
		case old.Files[i].Hash != f.Hash && old.Files[i].Path == f.Path:
			why = append(why, fmt.Sprintf("%s %s has changed", f.Role, f.Path))
		case old.Files[i].Hash != f.Hash:
			why = append(why, fmt.Sprintf("%s %s -> %s", f.Role, old.Files[i].Path, f.Path))
		}
	}
	return append(why, h.compareParents(old, t)...)
}

func (h *history) compareParents(old, t *Task) []string {
	first, changed := "", 0
	for i, p := range t.Parents {
		if i < len(old.Parents) && old.Parents[i].Key == p.Key {
			continue
		}
		if changed++; changed > 1 {
			continue
		}
		first = p.Key.Short()
		if parent, ok := h.plan.Task(p.Key); ok {
			first = parent.Stage + " " + parent.Label
		}
	}
	switch n := len(old.Parents) - len(t.Parents); {
	case changed == 0 && n > 0:
		return []string{fmt.Sprintf("reads %d artefacts fewer", n)}
	case changed == 0:
		return nil
	case changed == 1:
		return []string{fmt.Sprintf("reads another %s", first)}
	}
	return []string{fmt.Sprintf("reads another %s and %d more", first, changed-1)}
}
