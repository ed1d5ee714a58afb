// Package attack finds perturbations: one pattern for all images that changes their saliency maps (UPI-PCA, UPI-Grad,
// UPI-plus), and the baselines that they are measured against. An attack is an algorithm over numbers; what computes the
// gradients is handed to it. Perturbations, budgets and smoothing are in pixel units (0..255).
package attack

import "errors"

// An Attack is one way to find perturbations. Its exported fields are its settings, as a config gives them.
type Attack interface {
	// Validate lists what is impossible in the settings.
	Validate() []error
	// Common returns the settings that all attacks share.
	Common() *Shared
	// Needs says what the attack has to be handed.
	Needs() Needs
}

// A Role is what an attack is there for in a comparison.
type Role string

const (
	// RoleNothing is no perturbation at all: its scores are the noise of the evaluation itself.
	RoleNothing Role = "nothing"
	// RoleRandom is chance, which every other attack has to beat.
	RoleRandom Role = "random"
	// RoleBaseline is a universal perturbation that was not made to change saliency maps.
	RoleBaseline Role = "baseline"
	// RoleMethod is what a run is about.
	RoleMethod Role = "method"
	// RoleUpper looks at the very image that it is scored on: the upper reference of every universal perturbation.
	RoleUpper Role = "upper"
)

// A Kind is a line of the table of the attacks.
type Kind struct {
	Role Role
	// New returns the attack with the defaults of its settings.
	New func() Attack
}

// Kinds is the table of the attacks, by their kind in a config.
var Kinds = map[string]Kind{
	"none":      {RoleNothing, func() Attack { return &None{} }},
	"random":    {RoleRandom, func() Attack { return &Random{Draws: 3} }},
	"sgd_uap":   {RoleBaseline, func() Attack { return newSGDUAP() }},
	"upi_pca":   {RoleMethod, func() Attack { return newPCA() }},
	"upi_plus":  {RoleMethod, func() Attack { return &UPIPlus{UPIPCA: *newPCA(), Lambda: 1} }},
	"upi_grad":  {RoleMethod, func() Attack { return newUPIGrad() }},
	"per_image": {RoleUpper, func() Attack { return newPerImage() }},
}

// ErrZeroGradient is returned where every gradient that an attack was handed is zero.
var ErrZeroGradient = errors.New("every gradient is zero: there is no direction to climb; " +
	"smooth the objective (smoothing: {radius: R}), or explain the probability (score: probability)")
