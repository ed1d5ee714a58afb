// Package tables computes the tables of a run from the scores of its perturbations: means with their errors, differences to the
// random perturbation and to each baseline, and the signs. It is pure: what it is given has been read by others, and it reads and
// writes no file.
package tables

import (
	"cmp"
	"slices"

	"upi/results"
)

// A SignRule is how the sign of a perturbation is chosen.
type SignRule string

const (
	// SignFit takes the sign that does better on images of the fit split, as its record says.
	SignFit SignRule = "fit"
	// SignTest takes the sign that does better on the test split of the sources: the paper's rule.
	SignTest SignRule = "test"
	// SignPlus takes +: nothing is chosen, and there is no record.
	SignPlus SignRule = "plus"
)

// A Perturbation is one as planned: what it is, and what is owed for it whether or not its tasks succeed.
type Perturbation struct {
	ID string `json:"id"`
	// Method is the attack's name in the config, Kind its kind, and Role what it is in a comparison.
	Method string       `json:"method"`
	Kind   string       `json:"kind"`
	Role   results.Role `json:"role"`
	// Sources are the models that it is fitted on; Source is their names joined by "+".
	Sources     []string `json:"sources"`
	Source      string   `json:"source"`
	Explanation string   `json:"explanation"`
	// Score is "probability" or "logit".
	Score string `json:"score"`
	// Norm is "l2" or "linf", and Eps the budget in pixel units.
	Norm string  `json:"norm"`
	Eps  float64 `json:"eps"`
	Seed int64   `json:"seed"`
	// Draw numbers the perturbations that an attack draws for one seed.
	Draw int64 `json:"draw"`
	// Shape is height, width, channels.
	Shape [3]int `json:"shape"`
	// Rule says how its sign is chosen, and SignImages on how many fit images, those of each source counted.
	Rule       SignRule `json:"rule"`
	SignImages int64    `json:"sign_images"`
	Targets    []Target `json:"targets"`
}

// A Target is a model that a perturbation is scored on.
type Target struct {
	Model string `json:"model"`
	// Explanation is the one that is scored, if it is not that of the perturbation.
	Explanation string `json:"explanation,omitempty"`
	// Images is the size of its test split.
	Images int64 `json:"images"`
}

// IsSource says whether the perturbation is fitted on a model.
func (p *Perturbation) IsSource(model string) bool { return slices.Contains(p.Sources, model) }

// ScoredExplanation names the explanation that is scored on a target.
func (p *Perturbation) ScoredExplanation(t Target) string {
	return cmp.Or(t.Explanation, p.Explanation)
}

// Settings are those of the tables.
type Settings struct {
	// Metrics are the names of the scores' columns, in order.
	Metrics []string `json:"metrics"`
	// Resamples is the number of bootstrap resamples behind an interval, and Seed keys them.
	Resamples int    `json:"resamples"`
	Seed      uint64 `json:"seed"`
}
