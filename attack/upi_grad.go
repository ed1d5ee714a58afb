package attack

import (
	"slices"

	"upi/setting"
)

// UPIGrad is stochastic projected gradient ascent on the distance of the saliency maps (Ehsani Oskouie and Farnia 2023), or on
// another of the Objectives.
type UPIGrad struct {
	Shared         `yaml:",inline"`
	AscentSettings `yaml:",inline"`
	Smoothed       `yaml:",inline"`
	Aimed          `yaml:",inline"`
}

func newUPIGrad() *UPIGrad {
	return &UPIGrad{AscentSettings: defaultAscent(), Smoothed: defaultSmoothed()}
}

// Needs is an ascent on the objective.
func (u *UPIGrad) Needs() Needs {
	return Needs{Ascent: &Ascent{Objective: u.objective(), Settings: u.AscentSettings}, Smoothed: u.Smoothed}
}

// Validate lists what is impossible in the settings.
func (u *UPIGrad) Validate() []error {
	o := u.objective()
	distance := o.Of == Dissimilarity && !o.Keeps()
	return slices.Concat(u.Shared.Validate(), u.AscentSettings.Validate(), u.Smoothed.Validate(), u.Aimed.Validate(),
		setting.Check(u.Rows != Relative || distance, "rows", u.Rows, "only the dissimilarity alone has a relative size: want raw or unit"))
}
