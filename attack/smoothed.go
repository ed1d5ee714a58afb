package attack

import (
	"math"
	"slices"

	"upi/setting"
)

// Smoothed says how an attack smooths what it differentiates.
type Smoothed struct {
	Smoothing Smoothing `yaml:"smoothing" json:"smoothing"`
	// Surrogate replaces ReLU in the network that is differentiated.
	Surrogate *Surrogate `yaml:"surrogate,omitempty" json:"surrogate,omitempty"`
}

// A Surrogate replaces ReLU(x) by softplus(beta x) / beta.
type Surrogate struct {
	ReLU string  `yaml:"relu" json:"relu"`
	Beta float64 `yaml:"beta" json:"beta"`
	// BetaTo, if it is not 0, is what beta is at an ascent's last step; from Beta at the first it goes there in equal ratios.
	BetaTo float64 `yaml:"beta_to,omitempty" json:"beta_to,omitempty"`
}

// At returns beta where that share, 0 to 1, of an ascent's steps is done.
func (s *Surrogate) At(done float64) float64 {
	if s.BetaTo == 0 {
		return s.Beta
	}
	return s.Beta * math.Pow(s.BetaTo/s.Beta, done)
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
		setting.Check(s.Surrogate.Beta > 0 && s.Surrogate.Beta < 1e6, "surrogate.beta", s.Surrogate.Beta, "want a positive number"),
		setting.Check(s.Surrogate.BetaTo >= 0 && s.Surrogate.BetaTo < 1e6, "surrogate.beta_to", s.Surrogate.BetaTo, "want a positive number"))
}
