package attack

import (
	"slices"

	"upi/setting"
)

// An Iterative attack climbs an objective step by step.
type Iterative interface {
	Attack
	// Climbs says which objective.
	Climbs() Target
	// Method returns the ascent's settings.
	Method() Ascent
	// Smoothness says how what is differentiated is smoothed.
	Smoothness() Smoothed
}

// Smoothed says how an attack smooths what it differentiates.
type Smoothed struct {
	Smoothing Smoothing `yaml:"smoothing" json:"smoothing"`
	// Surrogate replaces ReLU in the network that is differentiated.
	Surrogate *Surrogate `yaml:"surrogate,omitempty" json:"surrogate,omitempty"`
}

// A Surrogate replaces ReLU(x) by softplus(Beta x) / Beta.
type Surrogate struct {
	ReLU string  `yaml:"relu" json:"relu"`
	Beta float64 `yaml:"beta" json:"beta"`
}

// SetDefaults sets beta to 30.
func (s *Surrogate) SetDefaults() { s.ReLU, s.Beta = "softplus", 30 }

// Smoothness returns s itself, for the attacks that embed it.
func (s Smoothed) Smoothness() Smoothed { return s }

// Validate lists what is impossible in the settings.
func (s Smoothed) Validate() []error {
	problems := s.Smoothing.Validate()
	if s.Surrogate == nil {
		return problems
	}
	return slices.Concat(problems,
		setting.Check(s.Surrogate.ReLU == "softplus", "surrogate.relu", s.Surrogate.ReLU, "want softplus"),
		setting.Check(s.Surrogate.Beta > 0 && s.Surrogate.Beta < 1e6, "surrogate.beta", s.Surrogate.Beta, "want a positive number"))
}

func defaultSmoothed() Smoothed { return Smoothed{Smoothing: Smoothing{Draws: 1}} }

// UPIGrad is stochastic projected gradient ascent on the distance of the saliency maps (Ehsani Oskouie and Farnia 2023).
type UPIGrad struct {
	Shared   `yaml:",inline"`
	Ascent   `yaml:",inline"`
	Smoothed `yaml:",inline"`
}

// Climbs is the distance of the maps.
func (*UPIGrad) Climbs() Target { return Dissimilarity }

// Method returns the ascent's settings.
func (u *UPIGrad) Method() Ascent { return u.Ascent }

// Validate lists what is impossible in the settings.
func (u *UPIGrad) Validate() []error {
	return slices.Concat(u.Shared.Validate(), u.Ascent.Validate(), u.Smoothed.Validate())
}

func newUPIGrad() *UPIGrad { return &UPIGrad{Ascent: defaultAscent(), Smoothed: defaultSmoothed()} }
