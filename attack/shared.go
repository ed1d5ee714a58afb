package attack

import (
	"fmt"
	"slices"

	"upi/projection"
	"upi/setting"
)

// Shared are the settings that all attacks have.
type Shared struct {
	// Norm of the budget: l2 (the default) or linf.
	Norm projection.Norm `yaml:"norm" json:"norm"`
	// Eps are the budgets in pixel units, each a perturbation of its own.
	Eps []projection.Eps `yaml:"eps" json:"eps"`
	// Sources are the names of the models that the perturbation is fitted on at once; none means on each model alone.
	Sources []string `yaml:"sources,omitempty" json:"sources,omitempty"`
	// Explanations are the names of those that the perturbation is fitted for; none means for each one.
	Explanations []string `yaml:"explanations,omitempty" json:"explanations,omitempty"`
	// Seeds replace the run's seeds; none means those.
	Seeds []uint64 `yaml:"seeds,omitempty" json:"seeds,omitempty"`
	// FitImages is how many images of the fit split the attack looks at, the first ones; 0 means all.
	FitImages int `yaml:"fit_images,omitempty" json:"fit_images,omitempty"`
	// Precision replaces the run's, float32 or bfloat16, for the gradients that the attack looks at; empty means that.
	Precision string `yaml:"precision,omitempty" json:"precision,omitempty"`
}

// Common returns s itself, for the attacks that embed it.
func (s *Shared) Common() *Shared { return s }

// Validate lists what is impossible in the settings.
func (s *Shared) Validate() []error {
	problems := slices.Concat(
		setting.Check(len(s.Eps) > 0, "eps", "[]", "want at least one budget in pixel units"),
		setting.Check(s.FitImages >= 0, "fit_images", s.FitImages, "want a number of images; 0 is all"),
		setting.Check(slices.Contains([]string{"", "float32", "bfloat16"}, s.Precision), "precision", s.Precision, "want float32 or bfloat16"))
	for i, seed := range s.Seeds {
		once := slices.Index(s.Seeds, seed) == i
		problems = append(problems, setting.Check(once, fmt.Sprintf("seeds[%d]", i), seed, "it is there twice")...)
	}
	for i, eps := range s.Eps {
		key := fmt.Sprintf("eps[%d]", i)
		problems = slices.Concat(problems,
			setting.Check(eps > 0 && eps < 1e9, key, eps, "want a positive number of pixel units"),
			setting.Check(slices.Index(s.Eps, eps) == i, key, eps, "it is there twice"))
	}
	return problems
}
