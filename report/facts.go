package report

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"upi/pipeline/manifest"
)

// exact is the precision of whatever a run reports.
const exact = "float32"

// settings are config.yaml, and the parts of it that the facts name.
type settings struct {
	Name   string `yaml:"name"`
	Models []struct {
		Name string `yaml:"name"`
		// Layer is the one that grad_cam looks at where the explanation names none.
		Layer string `yaml:"layer"`
	} `yaml:"models"`
	Explanations []explanationSettings `yaml:"explanations"`
	Precision    string                `yaml:"precision"`
	Attacks      []attackSettings      `yaml:"attacks"`
	Evaluation   struct {
		Sign    string   `yaml:"sign"`
		Clip    string   `yaml:"clip"`
		Filter  string   `yaml:"filter"`
		Metrics []string `yaml:"metrics"`
	} `yaml:"evaluation"`
	Labels labels `yaml:"labels"`

	text string
}

// readSettings returns nil where the run's directory has no config.yaml.
func readSettings(dir string) (*settings, error) {
	path := filepath.Join(dir, "config.yaml")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	s := &settings{text: string(text)}
	if err := yaml.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("read configuration %s: %w", path, err)
	}
	return s, nil
}

func (r *run) name() string {
	if r.manifest != nil && r.manifest.Run != "" {
		return r.manifest.Run
	}
	if r.settings != nil && r.settings.Name != "" {
		return r.settings.Name
	}
	return "run"
}

// facts say what was run. Those that are not known are left out.
func (r *run) facts() []fact {
	var all []fact
	if r.manifest != nil {
		all = manifestFacts(r.manifest)
	}
	if r.settings != nil {
		all = append(all, r.settings.facts()...)
	}
	var known []fact
	for _, f := range all {
		if f.Value != "" {
			known = append(known, fact{f.Name, printable(f.Value)})
		}
	}
	return known
}

func manifestFacts(m *manifest.Manifest) []fact {
	var started string
	if !m.Started.IsZero() {
		started = m.Started.UTC().Format("2006-01-02 15:04 UTC") + ", took " + (time.Duration(m.Seconds*10) * time.Second / 10).String()
	}
	var seeds []string
	for _, seed := range m.Seeds {
		seeds = append(seeds, strconv.FormatUint(seed, 10))
	}
	return []fact{{"Started", started}, {"Machine", strings.Trim(m.Host+", "+m.Device, ", ")}, {"Seeds", strings.Join(seeds, ", ")}}
}

// named is the label of a name, with that, which is in the files, beside it.
func (s *settings) named(name string) string {
	if label := s.Labels.of(name); label != name {
		return label + " = " + name
	}
	return name
}

func (s *settings) facts() []fact {
	var models, explanations, attacks, less []string
	for _, m := range s.Models {
		models = append(models, s.named(m.Name))
	}
	for _, e := range s.Explanations {
		explanations = append(explanations, s.named(e.Name)+" ("+e.Kind+")")
	}
	for _, a := range s.Attacks {
		text := s.named(a.Name)
		if a.Kind != a.Name {
			text += " (" + a.Kind + ")"
		}
		if len(a.Eps) > 0 {
			text += " " + a.Norm + " " + strings.Join(a.Eps, ", ")
		}
		attacks = append(attacks, text)
		if run := cmp.Or(s.Precision, exact); a.Precision != "" && a.Precision != run {
			less = append(less, "those of "+a.Name+" in "+a.Precision)
		}
	}
	if run := cmp.Or(s.Precision, exact); run != exact || len(less) > 0 {
		less = append(slices.Insert(less, 0, "the gradients that attacks look at in "+run), "all that is shown in "+exact)
	}
	e := s.Evaluation
	return []fact{
		{"Models", strings.Join(models, ", ")},
		{"Explanations", strings.Join(explanations, ", ")},
		{"Attacks", strings.Join(attacks, "; ")},
		{"Precision", strings.Join(less, ", ")},
		{"Evaluation", fmt.Sprintf("sign: %s, clip: %s, filter: %s, metrics: %s", e.Sign, e.Clip, e.Filter, strings.Join(e.Metrics, ", "))},
	}
}
