package attack

import "upi/setting"

// UPIPlus changes the map and keeps the prediction: the top eigenvector of G'G/||G||_F^2 - Lambda V'V/||V||_F^2, where the
// rows of G are gradients of the dissimilarity and those of V gradients of the cross-entropy.
type UPIPlus struct {
	UPIPCA `yaml:",inline"`
	// Lambda weighs the prediction, 1 by default.
	Lambda float64 `yaml:"lambda" json:"lambda"`
}

// Needs is the rows of both gradients.
func (u *UPIPlus) Needs() Needs {
	needs := u.UPIPCA.Needs()
	needs.Rows.Terms = append(needs.Rows.Terms, Term{CrossEntropy, -u.Lambda})
	return needs
}

// Validate lists what is impossible in the settings.
func (u *UPIPlus) Validate() []error {
	return append(u.UPIPCA.Validate(),
		setting.Check(u.Lambda >= 0 && u.Lambda < 1e9, "lambda", u.Lambda, "want a number from 0 up")...)
}
