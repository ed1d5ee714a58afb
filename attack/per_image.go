package attack

import (
	"slices"

	"upi/setting"
)

// PerImage is the upper reference of every universal perturbation: the ascent of UPI-Grad on each image alone. It looks at
// the image that it is scored on.
type PerImage struct {
	UPIGrad `yaml:",inline"`
}

func newPerImage() *PerImage {
	p := &PerImage{*newUPIGrad()}
	p.Steps, p.StepSize, p.CheckEvery = 20, 0.4, 2
	return p
}

// Needs is the ascent of UPI-Grad, for each image.
func (p *PerImage) Needs() Needs {
	needs := p.UPIGrad.Needs()
	needs.Ascent.PerImage = true
	return needs
}

// Validate lists what is impossible in the settings.
func (p *PerImage) Validate() []error {
	return slices.Concat(p.UPIGrad.Validate(),
		setting.Check(p.Rows == "", "rows", p.Rows, "there is one image to a step: remove the key"),
		setting.Check(p.FitImages == 0, "fit_images", p.FitImages, "an attack per image looks at no fit image: remove the key"))
}
