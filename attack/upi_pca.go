package attack

import (
	"slices"

	"upi/setting"
)

// A FromRows attack takes a direction out of the matrices of per-image gradients at delta = 0.
type FromRows interface {
	Attack
	// Terms are the matrices that the attack looks at.
	Terms() []Term
	// Spectrum returns the solver's settings.
	Spectrum() Spectrum
	// Smoothness says how what is differentiated is smoothed.
	Smoothness() Smoothed
}

// A Term is one matrix G of per-image gradients in the symmetric matrix, the sum of Weight * G'G / ||G||_F^2 over all terms,
// whose top eigenvector is the direction. A single term of weight 1 gives the top right singular vector.
type Term struct {
	Target Target  `json:"target"`
	Weight float64 `json:"weight"`
}

// Spectrum says how the direction is computed.
type Spectrum struct {
	// Rows says what a row is: the gradient as it is (raw, the default), or divided by its L2 norm (unit).
	Rows Rows `yaml:"rows" json:"rows"`
	// Tolerance is the angle in radians, as estimated from the residual and the gap, at which the solver stops; 1e-3 by
	// default.
	Tolerance float64 `yaml:"tolerance" json:"tolerance"`
	// MaxPasses bounds the passes over the rows, 30 by default.
	MaxPasses int `yaml:"max_passes" json:"max_passes"`
}

// Rows is "raw" or "unit".
type Rows string

const (
	Raw  Rows = "raw"
	Unit Rows = "unit"
)

// Validate lists what is impossible in the settings.
func (s Spectrum) Validate() []error {
	return slices.Concat(
		setting.Check(s.Rows == Raw || s.Rows == Unit, "rows", s.Rows, "want raw or unit"),
		setting.Check(s.Tolerance > 0 && s.Tolerance < 1, "tolerance", s.Tolerance, "want an angle between 0 and 1"),
		setting.Check(s.MaxPasses >= 1 && s.MaxPasses <= 10000, "max_passes", s.MaxPasses, "want 1 to 10000"),
	)
}

// UPIPCA scales the top right singular vector of the matrix of per-image gradients to the ball's boundary (Ehsani Oskouie and
// Farnia 2023). The rows are not centred.
type UPIPCA struct {
	Shared   `yaml:",inline"`
	PCA      Spectrum `yaml:",inline"`
	Smoothed `yaml:",inline"`
}

func newPCA() *UPIPCA {
	return &UPIPCA{PCA: Spectrum{Rows: Raw, Tolerance: 1e-3, MaxPasses: 30}, Smoothed: defaultSmoothed()}
}

// Terms is the matrix of the dissimilarity's gradients alone.
func (*UPIPCA) Terms() []Term { return []Term{{Dissimilarity, 1}} }

// Spectrum returns the solver's settings.
func (u *UPIPCA) Spectrum() Spectrum { return u.PCA }

// Validate lists what is impossible in the settings.
func (u *UPIPCA) Validate() []error {
	return slices.Concat(u.Shared.Validate(), u.PCA.Validate(), u.Smoothed.Validate())
}
