package attack

import (
	"slices"

	"upi/setting"
)

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

func defaultSmoothed() Smoothed { return Smoothed{Smoothing: Smoothing{Draws: 1}} }

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
