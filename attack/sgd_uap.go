package attack

import (
	"slices"

	"upi/setting"
)

// SGDUAP is the baseline of a universal perturbation of the prediction: the ascent of UPI-Grad on the cross-entropy, which is
// clamped so that images that are misclassified by far no longer pull at it (Shafahi et al. 2020).
type SGDUAP struct {
	UPIGrad `yaml:",inline"`
	// Clamp is the cross-entropy, in nats, above which an image's gradient no longer counts: 9 by default, 0 for none.
	Clamp float64 `yaml:"clamp" json:"clamp"`
}

func newSGDUAP() *SGDUAP { return &SGDUAP{UPIGrad: *newUPIGrad(), Clamp: 9} }

// Needs is an ascent on the cross-entropy.
func (s *SGDUAP) Needs() Needs {
	needs := s.UPIGrad.Needs()
	needs.Ascent.Objective = Objective{Of: CrossEntropy, Clamp: s.Clamp}
	return needs
}

// Validate lists what is impossible in the settings.
func (s *SGDUAP) Validate() []error {
	if refused := s.refused("sgd_uap climbs the cross-entropy, against the predictions: remove the key, or take upi_grad"); len(refused) > 0 {
		return refused
	}
	return slices.Concat(s.UPIGrad.Validate(),
		setting.Check(s.Rows != Relative, "rows", s.Rows, "the cross-entropy looks at no map: want raw or unit"),
		setting.Check(s.Clamp >= 0 && s.Clamp < 1e9, "clamp", s.Clamp, "want a cross-entropy in nats, or 0 for no clamp"))
}
