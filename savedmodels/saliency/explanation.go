// Package saliency builds explanations of a network, the saliency maps made of them and the objectives that a universal
// perturbation climbs as TensorFlow graphs, and runs them in batches. Images are H x W x C in pixel units (0..255).
package saliency

import (
	"encoding"
	"fmt"
	"math"
	"slices"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels"
	"upi/setting"
)

// An Explanation says which gradient explains an answer of the network. Its exported fields are its settings, as a
// config gives them.
type Explanation interface {
	// Validate lists what is impossible in the settings.
	Validate() []error
	// Points is how many evaluations of the network one explanation takes.
	Points() int
	// Noise is how many noisy copies of the image it takes, and their standard deviation in pixel units.
	Noise() (draws int, sigma float64)
	// Baselines is how many baseline images it takes for each image, and among how many images of the fit split they are drawn.
	Baselines() (draws, among int)
	// Explains says which answer, and by which score.
	Explains() Answer

	// inside says that it looks at more of the network than its logits, and so wants it as it was saved.
	inside() bool
	// build adds E(x, c), [B, H, W, C] or, of one value per pixel, [B, H, W, 1], up to a positive factor per image, which its map does
	// not see, to the network's graph for the images x, [B, H, W, C].
	build(n *network, x tf.Output) (tf.Output, error)
}

// A Particular explanation is not one of every network.
type Particular interface {
	Explanation
	// Fits is an error that says why the explanation is none of a network, nil where it is one.
	Fits(m *savedmodels.Model) error
}

// Kinds is the table of the explanations: its kind in a config and its settings with their defaults.
var Kinds = map[string]func() Explanation{
	"simple_gradient":      func() Explanation { return &SimpleGradient{} },
	"integrated_gradients": func() Explanation { return &IntegratedGradients{Steps: 10} },
	"smooth_gradient":      func() Explanation { return &SmoothGradient{Samples: 10, Sigma: 25.5} },
	"input_x_gradient":     func() Explanation { return &InputXGradient{} },
	"grad_cam":             func() Explanation { return &GradCAM{} },
	"guided_backprop":      func() Explanation { return &GuidedBackprop{} },
	"expected_gradients": func() Explanation {
		return &ExpectedGradients{Samples: 10, BaselineImages: 100, MultiplyByInputs: true}
	},
}

// A Score is the number S_c that is differentiated: the softmax probability p_c, or the logit z_c.
type Score int

const (
	Probability Score = iota
	Logit
)

// A Class is the class c that is explained: the image's label, or the network's own answer for the clean image.
type Class int

const (
	Label Class = iota
	Predicted
)

var (
	scoreNames = []string{"probability", "logit"}
	classNames = []string{"label", "predicted"}

	_ encoding.TextUnmarshaler = (*Score)(nil)
	_ encoding.TextUnmarshaler = (*Class)(nil)
)

// String returns "probability" or "logit".
func (s Score) String() string { return scoreNames[s] }

// MarshalText returns the score as a config writes it.
func (s Score) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads "probability" or "logit".
func (s *Score) UnmarshalText(text []byte) error { return unmarshalName(s, text, scoreNames) }

// String returns "label" or "predicted".
func (c Class) String() string { return classNames[c] }

// MarshalText returns the class as a config writes it.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads "label" or "predicted".
func (c *Class) UnmarshalText(text []byte) error { return unmarshalName(c, text, classNames) }

func unmarshalName[T ~int](v *T, text []byte, names []string) error {
	i := slices.Index(names, string(text))
	if i < 0 {
		return fmt.Errorf("%q is none of %s", text, strings.Join(names, ", "))
	}
	*v = T(i)
	return nil
}

// An Answer is what every explanation explains. Its zero value is the probability of the label.
type Answer struct {
	Score Score `yaml:"score" json:"score"`
	Class Class `yaml:"class" json:"class"`
}

// Explains returns a itself, for the explanations that embed it.
func (a Answer) Explains() Answer { return a }

// Points is 1 for the explanations that look at the image alone.
func (Answer) Points() int { return 1 }

// Noise is none but for SmoothGrad.
func (Answer) Noise() (int, float64) { return 0, 0 }

// Baselines are none but for expected gradients.
func (Answer) Baselines() (int, int) { return 0, 0 }

func (Answer) inside() bool { return false }

// Validate finds nothing impossible in an answer.
func (Answer) Validate() []error { return nil }

// SimpleGradient is dS_c/dx (Simonyan et al. 2013).
type SimpleGradient struct {
	Answer `yaml:",inline"`
}

func (e *SimpleGradient) build(n *network, x tf.Output) (tf.Output, error) {
	return n.scoreGradient(x, e.Score)
}

// InputXGradient is x * dS_c/dx.
type InputXGradient struct {
	Answer `yaml:",inline"`
}

func (e *InputXGradient) build(n *network, x tf.Output) (tf.Output, error) {
	gradient, err := n.scoreGradient(x, e.Score)
	if err != nil {
		return tf.Output{}, err
	}
	return n.Mul(x, gradient), nil
}

// IntegratedGradients is the mean of dS_c/dx over Steps points from the baseline to the image, both ends included
// (Sundararajan et al. 2017, with the end points of Ehsani Oskouie and Farnia's rule).
type IntegratedGradients struct {
	Answer `yaml:",inline"`
	// Steps is the number of points, 10 by default.
	Steps int `yaml:"steps" json:"steps"`
	// Baseline is the value of every pixel of the baseline image, 0 (black) by default.
	Baseline float64 `yaml:"baseline" json:"baseline"`
	// MultiplyByInputs multiplies the mean by x - baseline, so that the explanation sums up to S(x) - S(baseline).
	MultiplyByInputs bool `yaml:"multiply_by_inputs" json:"multiply_by_inputs"`
}

// Validate lists what is impossible in the settings.
func (e *IntegratedGradients) Validate() []error {
	return slices.Concat(
		setting.Check(e.Steps >= 2 && e.Steps <= 1000, "steps", e.Steps, "want 2 to 1000"),
		setting.Check(math.Abs(e.Baseline) <= 1e6, "baseline", e.Baseline, "want a pixel value"),
	)
}

// Points is the number of steps.
func (e *IntegratedGradients) Points() int { return e.Steps }

func (e *IntegratedGradients) build(n *network, x tf.Output) (tf.Output, error) {
	positions := make([]float32, e.Steps)
	for j := range positions {
		positions[j] = float32(j) / float32(e.Steps-1)
	}
	baseline := n.float(float32(e.Baseline))
	offset := n.Sub(x, baseline)
	along := n.One("Reshape", nil, n.Constant(positions), n.ints(e.Steps, 1, 1, 1, 1))
	points := n.Add(n.Mul(along, n.One("ExpandDims", nil, offset, n.ints())), baseline)
	mean, err := n.meanOverCopies(points, e.Score, e.Steps)
	if err != nil || !e.MultiplyByInputs {
		return mean, err
	}
	return n.Mul(offset, mean), nil
}

// SmoothGradient is the mean of dS_c/dx over noisy copies of the image (Smilkov et al. 2017). The noise belongs to the
// image: its clean and its perturbed version see the same.
type SmoothGradient struct {
	Answer `yaml:",inline"`
	// Samples is the number of copies, 10 by default.
	Samples int `yaml:"samples" json:"samples"`
	// Sigma is the noise's standard deviation in pixel units, 25.5 by default.
	Sigma float64 `yaml:"sigma" json:"sigma"`
}

// Validate lists what is impossible in the settings.
func (e *SmoothGradient) Validate() []error {
	return slices.Concat(
		setting.Check(e.Samples >= 1 && e.Samples <= 1000, "samples", e.Samples, "want 1 to 1000"),
		setting.Check(e.Sigma > 0 && e.Sigma <= 1e6, "sigma", e.Sigma, "want a positive number of pixel units"),
	)
}

// Points is the number of samples.
func (e *SmoothGradient) Points() int { return e.Samples }

// Noise is the number of samples and their standard deviation.
func (e *SmoothGradient) Noise() (int, float64) { return e.Samples, e.Sigma }

func (e *SmoothGradient) build(n *network, x tf.Output) (tf.Output, error) {
	points := n.Add(n.noise, n.One("ExpandDims", nil, x, n.ints()))
	return n.meanOverCopies(points, e.Score, e.Samples)
}
