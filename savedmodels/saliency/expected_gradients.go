package saliency

import (
	"slices"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/setting"
)

// ExpectedGradients is the mean of (x - b) dS_c/dx at b + a (x - b) over Samples draws of a baseline b, one of the images of the fit
// split, and of a place a, uniform in 0..1 (Erion et al. 2021). The draws belong to the image: its clean and its perturbed version see
// the same.
type ExpectedGradients struct {
	Answer `yaml:",inline"`
	// Samples is the number of draws, 10 by default.
	Samples int `yaml:"samples" json:"samples"`
	// BaselineImages is the number of fit images that baselines are drawn from, 100 by default.
	BaselineImages int `yaml:"baseline_images" json:"baseline_images"`
	// MultiplyByInputs multiplies by x - b, as the definition does, and is true by default. Without it the mean is that of the
	// gradients alone, as for IntegratedGradients.
	MultiplyByInputs bool `yaml:"multiply_by_inputs" json:"multiply_by_inputs"`
}

// Validate lists what is impossible in the settings.
func (e *ExpectedGradients) Validate() []error {
	return slices.Concat(
		setting.Check(e.Samples >= 1 && e.Samples <= 1000, "samples", e.Samples, "want 1 to 1000"),
		setting.Check(e.BaselineImages >= 1 && e.BaselineImages <= 10000, "baseline_images", e.BaselineImages, "want 1 to 10000"),
	)
}

// Points is the number of draws.
func (e *ExpectedGradients) Points() int { return e.Samples }

// Baselines is the number of draws, and of the fit images that they are made among.
func (e *ExpectedGradients) Baselines() (int, int) { return e.Samples, e.BaselineImages }

func (e *ExpectedGradients) build(n *network, x tf.Output) (tf.Output, error) {
	offset := n.Sub(n.One("ExpandDims", nil, x, n.ints()), n.baselines)
	along := n.One("Reshape", nil, n.along, n.ints(e.Samples, n.batch, 1, 1, 1))
	points := n.Add(n.baselines, n.Mul(along, offset))
	if !e.MultiplyByInputs {
		return n.meanOverCopies(points, e.Score, e.Samples)
	}
	return n.meanOverCopies(points, e.Score, e.Samples, offset)
}
