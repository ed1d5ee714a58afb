// Package attack finds perturbations: one pattern for all images that changes their saliency maps (UPI-PCA, UPI-Grad,
// UPI-plus), and the baselines that they are measured against. An attack is an algorithm over numbers; what computes the
// gradients is handed to it. Perturbations, budgets and smoothing are in pixel units (0..255).
package attack

import (
	"errors"
	"fmt"
	"slices"

	"upi/projection"
	"upi/setting"
)

// An Attack is one way to find perturbations. Its exported fields are its settings, as a config gives them. Each attack is
// also one of Direct, FromRows, Iterative or PerImage, which says what it needs to be handed.
type Attack interface {
	// Validate lists what is impossible in the settings.
	Validate() []error
	// Common returns the settings that all attacks share.
	Common() *Shared
}

// Kinds is the table of the attacks: its kind in a config and its settings with their defaults.
var Kinds = map[string]func() Attack{
	"none":      func() Attack { return &None{} },
	"random":    func() Attack { return &Random{Draws: 3} },
	"upi_pca":   func() Attack { return newPCA() },
	"upi_plus":  func() Attack { return &UPIPlus{UPIPCA: *newPCA(), Lambda: 1} },
	"upi_grad":  func() Attack { return newUPIGrad() },
	"sgd_uap":   func() Attack { return &SGDUAP{*newUPIGrad()} },
	"per_image": func() Attack { return newPerImage() },
}

// A Direct attack looks at no image.
type Direct interface {
	Attack
	// Perturbations is how many different ones the attack draws.
	Perturbations() int
	// Draw returns the draw-th perturbation of the given number of values, in the ball.
	Draw(ball projection.Ball, size int, seed, draw int64) ([]float32, error)
}

// A Target is the function of an image whose gradients an attack asks for.
type Target string

const (
	// Dissimilarity is d(I(x), I(x + delta + Z)), the distance of the saliency maps.
	Dissimilarity Target = "dissimilarity"
	// CrossEntropy is -log p_c(x + delta + Z).
	CrossEntropy Target = "cross_entropy"
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
}

// Common returns s itself, for the attacks that embed it.
func (s *Shared) Common() *Shared { return s }

// Validate lists what is impossible in the settings.
func (s *Shared) Validate() []error {
	problems := slices.Concat(
		setting.Check(len(s.Eps) > 0, "eps", "[]", "want at least one budget in pixel units"),
		setting.Check(s.FitImages >= 0, "fit_images", s.FitImages, "want a number of images; 0 is all"))
	for i, seed := range s.Seeds {
		problems = append(problems, setting.Check(slices.Index(s.Seeds, seed) == i, fmt.Sprintf("seeds[%d]", i), seed, "it is there twice")...)
	}
	for i, eps := range s.Eps {
		key := fmt.Sprintf("eps[%d]", i)
		problems = slices.Concat(problems,
			setting.Check(eps > 0 && eps < 1e9, key, eps, "want a positive number of pixel units"),
			setting.Check(slices.Index(s.Eps, eps) == i, key, eps, "it is there twice"))
	}
	return problems
}

// ErrZeroGradient is returned where every gradient that an attack was handed is zero.
var ErrZeroGradient = errors.New("every gradient is zero: there is no direction to climb; " +
	"smooth the objective (smoothing: {radius: R}), or explain the probability (score: probability)")
