package attack

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"upi/setting"
)

// An ObjectiveKind is a line of the table of the objectives.
type ObjectiveKind struct {
	Function Function
	// Goal is the part of a run's goal that the objective looks at, region or target; empty where it looks at none.
	Goal string
}

// Objectives is the table of what an ascent on maps may climb, by its kind in a config. The larger, the better for the attack.
var Objectives = map[string]ObjectiveKind{
	"dissimilarity": {Function: Dissimilarity},
	"top_k":         {Function: TopK},
	"mass_center":   {Function: MassCenter},
	"region":        {Function: Region, Goal: "region"},
	"target":        {Function: Target, Goal: "target"},
}

// ObjectiveSettings say what an ascent on maps climbs.
type ObjectiveSettings struct {
	// Kind names a line of Objectives.
	Kind string `yaml:"kind" json:"kind"`
	// K is, for top_k alone, the share of the pixels that are the most salient ones, 0.1 by default.
	K *float64 `yaml:"k,omitempty" json:"k,omitempty"`
}

// SetDefaults sets the kind to dissimilarity.
func (o *ObjectiveSettings) SetDefaults() { o.Kind = string(Dissimilarity) }

// Keep says how an ascent keeps the predictions: what it climbs is less by Weight * max(0, Margin - m), where m is the margin
// of the network's answer to the clean image, in logits.
type Keep struct {
	// Weight is in units of the objective per logit, above 0.
	Weight float64 `yaml:"weight" json:"weight"`
	// Margin is in logits, 0 by default: from this margin on an image's prediction is safe enough.
	Margin float64 `yaml:"margin" json:"margin"`
}

// Aimed are the settings of an attack that can be told what to climb.
type Aimed struct {
	// Objective is the dissimilarity of the maps where it is nil.
	Objective *ObjectiveSettings `yaml:"objective,omitempty" json:"objective,omitempty"`
	// Keep, if set, keeps the predictions.
	Keep *Keep `yaml:"keep,omitempty" json:"keep,omitempty"`
}

// Validate lists what is impossible in the settings.
func (a Aimed) Validate() []error {
	var problems []error
	if o := a.Objective; o != nil {
		_, known := Objectives[o.Kind]
		problems = append(problems, setting.Check(known, "objective.kind", o.Kind,
			"want one of "+strings.Join(slices.Sorted(maps.Keys(Objectives)), ", "))...)
		if o.K != nil {
			problems = append(problems, setting.Check(o.Kind == string(TopK), "objective.k", *o.K, "only top_k looks at it: remove the key")...)
			problems = append(problems, setting.Check(*o.K > 0 && *o.K <= 1, "objective.k", *o.K, "want a share of the pixels, above 0 and at most 1")...)
		}
	}
	if k := a.Keep; k != nil {
		problems = slices.Concat(problems,
			setting.Check(k.Weight > 0 && k.Weight < 1e9, "keep.weight", k.Weight, "want a positive number, in units of the objective per logit"),
			setting.Check(k.Margin >= 0 && k.Margin < 1e9, "keep.margin", k.Margin, "want a number of logits from 0 up"))
	}
	return problems
}

// refused lists the settings that are there, with the reason why the attack has none of them.
func (a Aimed) refused(why string) []error {
	var problems []error
	if a.Objective != nil {
		problems = setting.Check(false, "objective", fmt.Sprintf("{kind: %s}", a.Objective.Kind), why)
	}
	if a.Keep != nil {
		problems = append(problems, setting.Check(false, "keep", fmt.Sprintf("{weight: %v, margin: %v}", a.Keep.Weight, a.Keep.Margin), why)...)
	}
	return problems
}

// objective is what the settings ask for.
func (a Aimed) objective() Objective {
	o := Objective{Of: Dissimilarity}
	if a.Objective != nil {
		o.Of = Objectives[a.Objective.Kind].Function
	}
	if o.Of == TopK {
		o.Share = 0.1
		if a.Objective.K != nil {
			o.Share = *a.Objective.K
		}
	}
	if a.Keep != nil {
		o.Keep = *a.Keep
	}
	return o
}
