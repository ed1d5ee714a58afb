package pipeline

import (
	"fmt"
	"path/filepath"
	"slices"

	"upi/pipeline/cache"
)

// Explanation says whether a task would run, and why.
type Explanation struct {
	Task Task
	// Hit is true if the artefact is in the cache.
	Hit bool
	// Why says for a task that would run what has changed since the run before.
	Why []string
}

// Explain looks up every task of the plan. Previous, which may be nil, is the
// manifest of the run before.
func Explain(plan *Plan, store *cache.Store, previous *Manifest) ([]Explanation, error) {
	h := newHistory(plan, previous)
	all := make([]Explanation, 0, len(plan.tasks))
	for _, t := range plan.tasks {
		a, err := store.Lookup(t.Stage, t.Key)
		if a != nil {
			all = append(all, Explanation{Task: t, Hit: true})
			continue
		}
		e := Explanation{Task: t}
		if err != nil {
			e.Why = append(e.Why, err.Error())
		}
		e.Why = append(e.Why, h.why(t)...)
		all = append(all, e)
	}
	return all, nil
}

// Total adds up the estimates of the tasks that would run; memory is that of the
// largest.
func Total(all []Explanation) Estimate {
	var sum Estimate
	for _, e := range all {
		if e.Hit {
			continue
		}
		sum.Seconds += e.Task.Estimate.Seconds
		sum.Bytes += e.Task.Estimate.Bytes
		sum.Memory = max(sum.Memory, e.Task.Estimate.Memory)
	}
	return sum
}

// history finds the task of the run before that a task is to be compared with.
type history struct {
	plan *Plan
	was  []Task
}

func newHistory(plan *Plan, previous *Manifest) history {
	h := history{plan: plan}
	if previous != nil {
		for _, r := range previous.Tasks {
			h.was = append(h.was, recordedTask(r, previous.Environment))
		}
	}
	return h
}

// before returns the task of the same stage and label; else, since labels tend
// to hold settings, the one that differs least among those that are gone.
func (h history) before(t Task) (Task, bool) {
	best, fewest := Task{}, -1
	for _, old := range h.was {
		if old.Stage != t.Stage {
			continue
		}
		if old.Label == t.Label {
			return old, true
		}
		still := slices.ContainsFunc(h.plan.tasks, func(x Task) bool { return x.Stage == old.Stage && x.Label == old.Label })
		if n := len(h.compare(old, t)); !still && (fewest < 0 || n < fewest) {
			best, fewest = old, n
		}
	}
	return best, fewest >= 0
}

func (h history) why(t Task) []string {
	if len(h.was) == 0 {
		return []string{"there was no run before"}
	}
	old, ok := h.before(t)
	switch {
	case !ok:
		return []string{"new"}
	case old.Key == t.Key:
		return []string{"its artefact is no longer in the cache"}
	}
	return h.compare(old, t)
}

func (h history) compare(old, t Task) []string {
	var why []string
	if old.StageVersion != t.StageVersion {
		why = append(why, fmt.Sprintf("stage version %d -> %d", old.StageVersion, t.StageVersion))
	}
	for _, c := range changes(old.Environment, t.Environment) {
		why = append(why, c.String())
	}
	for _, c := range changes(flatten(old.Spec), flatten(t.Spec)) {
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

func (h history) compareParents(old, t Task) []string {
	var changed []string
	for i, p := range t.Parents {
		if i < len(old.Parents) && old.Parents[i].Key == p.Key {
			continue
		}
		label := p.Key.Short()
		if parent, ok := h.plan.Task(p.Key); ok {
			label = parent.Stage + " " + parent.Label
		}
		changed = append(changed, label)
	}
	if len(changed) == 0 {
		if n := len(old.Parents) - len(t.Parents); n > 0 {
			return []string{fmt.Sprintf("reads %d artefacts fewer", n)}
		}
		return nil
	}
	what := fmt.Sprintf("reads another %s", changed[0])
	if n := len(changed) - 1; n > 0 {
		what += fmt.Sprintf(" and %d more", n)
	}
	return []string{what}
}
