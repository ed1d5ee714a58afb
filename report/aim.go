package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"upi/metric"
)

// An attackSettings is an attack of the configuration, with the settings of its kind.
type attackSettings struct {
	Name string   `yaml:"name"`
	Kind string   `yaml:"kind"`
	Norm string   `yaml:"norm"`
	Eps  []string `yaml:"eps"`
	// Precision is empty where it is the run's.
	Precision string `yaml:"precision"`
	// Objective is nil where the attack changes maps, wherever they go.
	Objective *struct {
		Kind string   `yaml:"kind"`
		K    *float64 `yaml:"k"`
	} `yaml:"objective"`
	// Keep is nil where predictions may change.
	Keep *struct {
		Weight float64 `yaml:"weight"`
		Margin float64 `yaml:"margin"`
	} `yaml:"keep"`
	// Refine is how often rows are taken anew.
	Refine int            `yaml:"refine"`
	Rest   map[string]any `yaml:",inline"`
}

// own are the metrics that tell the success of attacks which are after something else than the change of maps, by the attacks' names.
func (s *settings) own() map[string]string {
	if s == nil {
		return nil
	}
	own := map[string]string{}
	for _, a := range s.Attacks {
		if a.Objective == nil || a.Objective.Kind == "dissimilarity" {
			continue
		}
		if m, known := metric.Measuring(a.Objective.Kind); known {
			own[a.Name] = m.Name
		}
	}
	return own
}

// objectiveTexts say what objectives are. Of the dissimilarity the texts of the attacks say it.
var objectiveTexts = map[string]string{
	"dissimilarity": "",
	"top_k":         "what is climbed is 1 less the share of the perturbed map that lies on the most salient pixels of the clean one",
	"mass_center":   "what is climbed is the distance between the centres of mass of the two maps",
	"region":        "what is climbed is the share of the perturbed map in the goal's box",
	"target":        "what is climbed is the nearness of the perturbed map to the goal's map",
}

// ObjectiveKinds lists the objectives that reports can put into words.
func ObjectiveKinds() []string {
	return slices.Sorted(maps.Keys(objectiveTexts))
}

// aimText says what an attack is after, beside what its kind says.
func (a attackSettings) aimText() string {
	text := ""
	if a.Objective != nil {
		if of := objectiveTexts[a.Objective.Kind]; of != "" {
			text += "; " + of
		}
	}
	if a.Keep != nil {
		text += fmt.Sprintf("; predictions are kept: %g is taken off for each logit that the margin of the clean answer falls short of %g",
			a.Keep.Weight, a.Keep.Margin)
	}
	if a.Refine > 0 {
		times := fmt.Sprintf("%d times", a.Refine)
		if a.Refine == 1 {
			times = "once"
		}
		text += "; it is refined " + times + ": more gradients are taken where the pattern found so far has moved the images, and the pattern is found anew in all; of all these " +
			"the one that moves the maps of fit images furthest"
	}
	return text
}

// base is what an attack shares with those that differ from it in the name, the budgets and keep alone.
func (a attackSettings) base() string {
	text, err := json.Marshal([]any{a.Kind, a.Norm, a.Precision, a.Objective, a.Refine, a.Rest})
	if err != nil { // a mapping whose keys are no texts, which no configuration has
		return a.Name
	}
	return string(text)
}
