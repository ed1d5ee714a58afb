package report

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"upi/pipeline/cache"
	"upi/pipeline/manifest"
)

// readManifest returns nil where the run's directory has none.
func readManifest(dir string) (*manifest.Manifest, error) {
	m, err := manifest.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return m, err
}

// maxFailures bounds the failed tasks that are named one by one.
const maxFailures = 20

// notesOf says what the run left out, and why.
func notesOf(m *manifest.Manifest) []string {
	if m == nil {
		return []string{"The run has no manifest.json: what was left out, and why, is not known."}
	}
	var notes []string
	failed := slices.DeleteFunc(slices.Clone(m.Tasks), func(t manifest.TaskRecord) bool { return t.Error == "" })
	if m.Status != "" && m.Status != manifest.Done {
		// The run's own error repeats those of its tasks.
		reason := m.Error
		if len(failed) > 0 {
			reason = fmt.Sprintf("tasks that did not end well: %d", len(failed))
		}
		note := "The run is not complete: its status is " + string(m.Status)
		if reason != "" {
			note += " (" + reason + ")"
		}
		notes = append(notes, note+".")
	}
	for _, t := range failed[:min(len(failed), maxFailures)] {
		notes = append(notes, fmt.Sprintf("%s %s %s: %s", t.Stage, t.Label, cmp.Or(string(t.Status), "failed"), t.Error))
	}
	if more := len(failed) - maxFailures; more > 0 {
		notes = append(notes, fmt.Sprintf("%d more tasks did not end well; manifest.json names them.", more))
	}
	staged := false
	for _, s := range m.Stages {
		if note := leftOut(s); note != "" {
			notes = append(notes, note)
		}
		for _, w := range s.Warnings {
			staged = true
			notes = append(notes, s.Stage+": "+warningText(w))
		}
	}
	if !staged {
		for _, w := range m.Warnings {
			notes = append(notes, warningText(w))
		}
	}
	if len(notes) == 0 {
		return []string{"The run ended without a warning."}
	}
	return notes
}

// leftOut reads "evaluate: 12 images left out, added up over its tasks (misclassified: 10)".
func leftOut(s manifest.StageSummary) string {
	if s.Counts[manifest.CountLeftOut] == 0 {
		return ""
	}
	var reasons []string
	for _, name := range slices.Sorted(maps.Keys(s.Counts)) {
		if name != manifest.CountImages && name != manifest.CountLeftOut {
			reasons = append(reasons, fmt.Sprintf("%s: %d", name, s.Counts[name]))
		}
	}
	note := fmt.Sprintf("%s: %d images left out, added up over its tasks", s.Stage, s.Counts[manifest.CountLeftOut])
	if len(reasons) > 0 {
		note += " (" + strings.Join(reasons, ", ") + ")"
	}
	return note
}

// warningText reads "clean map has a norm of zero: 2 (image 3; image 17)".
func warningText(w cache.Warning) string {
	text := fmt.Sprintf("%s: %d", w.Code, w.Count)
	if len(w.Examples) == 0 {
		return text
	}
	examples := strings.Join(w.Examples, "; ")
	if int64(len(w.Examples)) < w.Count {
		examples = "such as " + examples
	}
	return text + " (" + examples + ")"
}
