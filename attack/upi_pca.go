package attack

import (
	"slices"

	"upi/setting"
)

// Spectrum says how the direction is computed.
type Spectrum struct {
	// Rows says what a row is: the gradient as it is (raw, the default), or divided by its L2 norm (unit).
	Rows RowScale `yaml:"rows" json:"rows"`
	// Tolerance is the angle in radians, as estimated from the residual and the gap, at which the solver stops; 1e-3 by
	// default.
	Tolerance float64 `yaml:"tolerance" json:"tolerance"`
	// MaxPasses bounds the passes over the rows, 30 by default.
	MaxPasses int `yaml:"max_passes" json:"max_passes"`
	// Refine is how many times the direction is refined: more rows are taken, at the perturbation that was found last, and the
	// direction is found anew in all rows so far; what moves the maps of fit images furthest is the result. 0, the default, is the
	// paper's: rows at delta = 0 alone.
	Refine int `yaml:"refine,omitempty" json:"refine,omitempty"`
}

// RowScale says how the gradients of single images are scaled.
type RowScale string

const (
	// Raw gradients are as they are.
	Raw RowScale = "raw"
	// Unit gradients are divided by their L2 norms, so that no image counts for more than another.
	Unit RowScale = "unit"
	// Relative gradients are divided by the L2 norm of the image's clean map: they are those of the distance that is scored. Only
	// ascents have them.
	Relative RowScale = "relative"
)

// Validate lists what is impossible in the settings.
func (s Spectrum) Validate() []error {
	return slices.Concat(
		setting.Check(s.Rows == Raw || s.Rows == Unit, "rows", s.Rows, "want raw or unit"),
		setting.Check(s.Tolerance > 0 && s.Tolerance < 1, "tolerance", s.Tolerance, "want an angle between 0 and 1"),
		setting.Check(s.MaxPasses >= 1 && s.MaxPasses <= 10000, "max_passes", s.MaxPasses, "want 1 to 10000"),
		setting.Check(s.Refine >= 0 && s.Refine <= 1000, "refine", s.Refine, "want 0 to 1000"),
	)
}

// UPIPCA scales the top right singular vector of the matrix of per-image gradients to the ball's boundary (Ehsani Oskouie and
// Farnia 2023). The rows are not centred.
type UPIPCA struct {
	Shared   `yaml:",inline"`
	PCA      Spectrum `yaml:",inline"`
	Smoothed `yaml:",inline"`
	// Aimed is what it cannot be told; a config that tries is told why.
	Aimed `yaml:",inline"`
}

func newPCA() *UPIPCA {
	return &UPIPCA{PCA: Spectrum{Rows: Raw, Tolerance: 1e-3, MaxPasses: 30}, Smoothed: defaultSmoothed()}
}

// Unrefined forgets how often the direction is refined. What the attack finds in a direction does not depend on that.
func (u *UPIPCA) Unrefined() { u.PCA.Refine = 0 }

// Needs is the rows of the dissimilarity's gradients alone.
func (u *UPIPCA) Needs() Needs {
	return Needs{Rows: &Rows{Terms: []Term{{Dissimilarity, 1}}, Spectrum: u.PCA}, Smoothed: u.Smoothed}
}

// Validate lists what is impossible in the settings.
func (u *UPIPCA) Validate() []error {
	problems := slices.Concat(u.Shared.Validate(), u.PCA.Validate(), u.Smoothed.Validate(),
		u.refused("a principal direction has no sign, so it cannot say where maps are to go nor that predictions are to stay: "+
			"remove the key, or take upi_grad"))
	if s := u.Surrogate; s != nil {
		problems = append(problems, setting.Check(s.BetaTo == 0, "surrogate.beta_to", s.BetaTo, "rows are of one network: remove the key")...)
	}
	return problems
}
