package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A manifest is what a report tells of manifest.json. A field that the file lacks is left out of the report.
type manifest struct {
	Run      string            `json:"run"`
	Status   string            `json:"status"`
	Error    string            `json:"error"`
	Started  time.Time         `json:"started"`
	Seconds  float64           `json:"seconds"`
	Host     string            `json:"host"`
	Versions map[string]string `json:"versions"`
	Device   string            `json:"device"`
	Seeds    []uint64          `json:"seeds"`
	Inputs   []manifestInput   `json:"inputs"`
	Stages   []manifestStage   `json:"stages"`
	Tasks    []manifestTask    `json:"tasks"`
	Warnings []manifestWarning `json:"warnings"`
}

type manifestInput struct {
	Role   string `json:"role"`
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

type manifestStage struct {
	Stage      string            `json:"stage"`
	Tasks      int               `json:"tasks"`
	Hit        int               `json:"hit"`
	Failed     int               `json:"failed"`
	Skipped    int               `json:"skipped"`
	Seconds    float64           `json:"seconds"`
	Throughput float64           `json:"images_per_second"`
	PeakMemory int64             `json:"peak_memory_bytes"`
	Counts     map[string]int64  `json:"counts"`
	Warnings   []manifestWarning `json:"warnings"`
}

type manifestTask struct {
	Stage  string `json:"stage"`
	Label  string `json:"label"`
	Status string `json:"status"`
	Error  string `json:"error"`
}

type manifestWarning struct {
	Code     string   `json:"code"`
	Count    int64    `json:"count"`
	Examples []string `json:"examples"`
}

// readManifest returns nil where the run's directory has none.
func readManifest(dir string) (*manifest, error) {
	path := filepath.Join(dir, "manifest.json")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	m := new(manifest)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", path, err)
	}
	return m, nil
}

// maxFailures bounds the failed tasks that are named one by one.
const maxFailures = 20

// notes says what the run left out, and why.
func (m *manifest) notes() []string {
	if m == nil {
		return []string{"The run has no manifest.json: what was left out, and why, is not known."}
	}
	var notes []string
	failed := slices.DeleteFunc(slices.Clone(m.Tasks), func(t manifestTask) bool { return t.Error == "" })
	if m.Status != "" && m.Status != "done" {
		// The run's own error repeats those of its tasks.
		reason := m.Error
		if len(failed) > 0 {
			reason = fmt.Sprintf("tasks that did not end well: %d", len(failed))
		}
		note := "The run is not complete: its status is " + m.Status
		if reason != "" {
			note += " (" + reason + ")"
		}
		notes = append(notes, note+".")
	}
	for _, t := range failed[:min(len(failed), maxFailures)] {
		notes = append(notes, fmt.Sprintf("%s %s %s: %s", t.Stage, t.Label, orElse(t.Status, "failed"), t.Error))
	}
	if more := len(failed) - maxFailures; more > 0 {
		notes = append(notes, fmt.Sprintf("%d more tasks did not end well; manifest.json names them.", more))
	}
	staged := false
	for _, s := range m.Stages {
		if note := s.leftOut(); note != "" {
			notes = append(notes, note)
		}
		for _, w := range s.Warnings {
			staged = true
			notes = append(notes, s.Stage+": "+w.String())
		}
	}
	if !staged {
		for _, w := range m.Warnings {
			notes = append(notes, w.String())
		}
	}
	if len(notes) == 0 {
		return []string{"The run ended without a warning."}
	}
	return notes
}

// leftOut reads "evaluate: 12 images left out, added up over its tasks (misclassified: 10)".
func (s manifestStage) leftOut() string {
	const images, total = "images", "images_left_out" // as package pipeline names them
	if s.Counts[total] == 0 {
		return ""
	}
	var reasons []string
	for _, name := range slices.Sorted(maps.Keys(s.Counts)) {
		if name != images && name != total {
			reasons = append(reasons, fmt.Sprintf("%s: %d", name, s.Counts[name]))
		}
	}
	note := fmt.Sprintf("%s: %d images left out, added up over its tasks", s.Stage, s.Counts[total])
	if len(reasons) > 0 {
		note += " (" + strings.Join(reasons, ", ") + ")"
	}
	return note
}

// String reads "clean map has a norm of zero: 2 (image 3; image 17)".
func (w manifestWarning) String() string {
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

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
