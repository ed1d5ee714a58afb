// Package attack finds perturbations: one pattern for all images that changes their saliency maps (UPI-PCA, UPI-Grad,
// UPI-plus), and the baselines that they are measured against. An attack is an algorithm over numbers; what computes the
// gradients is handed to it. Perturbations, budgets and smoothing are in pixel units (0..255).
package attack

import (
	"errors"

	"upi/results"
)

// An Attack is one way to find perturbations. Its exported fields are its settings, as a config gives them.
type Attack interface {
	// Validate lists what is impossible in the settings.
	Validate() []error
	// Common returns the settings that all attacks share.
	Common() *Shared
	// Needs says what the attack has to be handed.
	Needs() Needs
}

// A Kind is a line of the table of the attacks.
type Kind struct {
	// Role is what the attack is in a comparison.
	Role results.Role
	// New returns the attack with the defaults of its settings.
	New func() Attack
}

// Kinds is the table of the attacks, by their kind in a config.
var Kinds = map[string]Kind{
	"none":      {results.RoleNothing, func() Attack { return &None{} }},
	"random":    {results.RoleRandom, func() Attack { return &Random{Draws: 3} }},
	"sgd_uap":   {results.RoleBaseline, func() Attack { return newSGDUAP() }},
	"upi_pca":   {results.RoleMethod, func() Attack { return newPCA() }},
	"upi_plus":  {results.RoleMethod, func() Attack { return &UPIPlus{UPIPCA: *newPCA(), Lambda: 1} }},
	"upi_grad":  {results.RoleMethod, func() Attack { return newUPIGrad() }},
	"per_image": {results.RoleUpper, func() Attack { return newPerImage() }},
}

// ErrZeroGradient is returned where every gradient that an attack was handed is zero.
var ErrZeroGradient = errors.New("every gradient is zero: there is no direction to climb; " +
	"smooth the objective (smoothing: {radius: R}), or explain the probability (score: probability)")
