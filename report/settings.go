package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"upi/projection"
)

// settings are the parts of config.yaml that say which rows a run owes, and in which order.
type settings struct {
	Name         string            `yaml:"name"`
	Data         yaml.Node         `yaml:"data"`
	Models       []modelSettings   `yaml:"models"`
	Explanations []itemSettings    `yaml:"explanations"`
	Attacks      []attackSettings  `yaml:"attacks"`
	Evaluation   evaluationSetting `yaml:"evaluation"`

	text string
}

type modelSettings struct {
	Name string    `yaml:"name"`
	Data yaml.Node `yaml:"data"`
}

type itemSettings struct {
	Name string `yaml:"name"`
	Kind string `yaml:"kind"`
}

type attackSettings struct {
	Name         string           `yaml:"name"`
	Kind         string           `yaml:"kind"`
	Norm         projection.Norm  `yaml:"norm"`
	Eps          []projection.Eps `yaml:"eps"`
	Sources      []string         `yaml:"sources"`
	Explanations []string         `yaml:"explanations"`
}

type evaluationSetting struct {
	Sign     string   `yaml:"sign"`
	Clip     string   `yaml:"clip"`
	Filter   string   `yaml:"filter"`
	Metrics  []string `yaml:"metrics"`
	Transfer bool     `yaml:"transfer"`
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

// summarised lists what the summary owes: every perturbation on the models that it was fitted on.
func (s *settings) summarised() []place {
	return s.places(func(_ attackSettings, sources []string) []string { return sources })
}

// transferred lists what the transfer table owes: every perturbation on the models of the same images.
func (s *settings) transferred() []place { return s.places(s.transferTargets) }

// signed lists what the table of signs owes: the perturbations whose sign the run chooses, on all their sources together.
func (s *settings) signed() []place {
	all := s.places(func(_ attackSettings, sources []string) []string { return []string{strings.Join(sources, sourceJoin)} })
	return slices.DeleteFunc(all, func(p place) bool {
		return s.Evaluation.Sign == "plus" || p.Kind == "none" || p.Kind == "per_image"
	})
}

// compared lists what the table against a baseline owes: the other perturbations that share their place with one of it, where
// several sources share that of the target alone.
func (s *settings) compared(baseline string) []place {
	all := s.summarised()
	there := map[place]bool{}
	for _, p := range all {
		if p.Method == baseline {
			there[p.budgeted()] = true
		}
	}
	return slices.DeleteFunc(all, func(p place) bool {
		alone := p.budgeted()
		alone.Source = p.Target
		return p.Method == baseline || !there[p.budgeted()] && !there[alone]
	})
}

// places lists every perturbation on its targets.
func (s *settings) places(targets func(a attackSettings, sources []string) []string) []place {
	var places []place
	for _, a := range s.Attacks {
		eps := a.Eps
		if len(eps) == 0 {
			eps = []projection.Eps{0} // the attack "none" has no budget
		}
		for _, sources := range s.sources(a) {
			for _, target := range targets(a, sources) {
				for _, e := range s.Explanations {
					if len(a.Explanations) > 0 && !slices.Contains(a.Explanations, e.Name) {
						continue
					}
					for _, eps := range eps {
						places = append(places, place{
							Source: strings.Join(sources, sourceJoin), Target: target, Explanation: e.Name,
							Kind: a.Kind, Method: a.Name, Norm: a.Norm.String(), Eps: float64(eps),
						})
					}
				}
			}
		}
	}
	return places
}

// sources lists the groups of models that an attack is fitted on.
func (s *settings) sources(a attackSettings) [][]string {
	var alone [][]string
	var together []string
	for _, m := range s.Models {
		alone = append(alone, []string{m.Name})
		if slices.Contains(a.Sources, m.Name) {
			together = append(together, m.Name)
		}
	}
	if len(a.Sources) > 0 {
		return [][]string{together}
	}
	return alone
}

// transferTargets are the models of the same images; a perturbation per image knows the images of its own model only.
func (s *settings) transferTargets(a attackSettings, sources []string) []string {
	if !s.Evaluation.Transfer || a.Kind == "per_image" {
		return sources
	}
	data := map[string]string{}
	for _, m := range s.Models {
		node := m.Data
		if node.IsZero() {
			node = s.Data
		}
		if text, err := yaml.Marshal(&node); err == nil {
			data[m.Name] = string(text)
		}
	}
	var targets []string
	for _, m := range s.Models {
		if len(sources) > 0 && data[m.Name] == data[sources[0]] {
			targets = append(targets, m.Name)
		}
	}
	return targets
}
