package manifest

import (
	"path/filepath"
	"slices"
	"strings"

	"upi/pipeline/cache"
)

// Task finds the record of a key.
func (m *Manifest) Task(key cache.Key) (TaskRecord, bool) {
	i := slices.IndexFunc(m.Tasks, func(t TaskRecord) bool { return t.Key == key })
	if i < 0 {
		return TaskRecord{}, false
	}
	return m.Tasks[i], true
}

// Makers are the tasks that made what: an output file, by its name in the run's directory, or something that labels name between
// slashes, such as a perturbation.
func (m *Manifest) Makers(what string) []cache.Key {
	var keys []cache.Key
	for _, o := range m.Outputs {
		if o.Name == filepath.ToSlash(filepath.Clean(what)) && o.Task != "" {
			keys = append(keys, o.Task)
		}
	}
	for _, t := range m.Tasks {
		if slices.Contains(strings.Split(t.Label, "/"), what) {
			keys = append(keys, t.Key)
		}
	}
	return keys
}

// Lineage returns the tasks of these keys and all that they come from, in the order of the plan; their files are the inputs of the
// results.
func (m *Manifest) Lineage(keys ...cache.Key) []TaskRecord {
	wanted := map[cache.Key]bool{}
	for _, key := range keys {
		wanted[key] = true
	}
	var line []TaskRecord
	for _, t := range slices.Backward(m.Tasks) {
		if !wanted[t.Key] {
			continue
		}
		line = append(line, t)
		for _, p := range t.Parents {
			wanted[p.Key] = true
		}
	}
	slices.Reverse(line)
	return line
}
