package saliency

import (
	"errors"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels"
	"upi/savedmodels/gradient"
)

// GuidedBackprop is the gradient of the score by a backward pass in which rectifiers (Relu, Relu6, LeakyRelu) pass on only what is
// positive of the gradient that arrives, times their slope (Springenberg et al. 2015); where a surrogate stands for them, times its
// slope. All else passes its derivative. A positive factor of the score is one of the explanation.
//
// Objectives climb the derivative of this backward pass as the function of the image that it is. What is positive does not change
// almost everywhere. The score itself, where the pass begins, has its own derivative, not a guided one.
type GuidedBackprop struct {
	Answer `yaml:",inline"`
}

// inside: moving pooling before rectifiers, as Open does, sums up gradients of several windows after the rectifier instead of before.
func (e *GuidedBackprop) inside() bool { return true }

// Fits refuses networks without rectifiers.
func (e *GuidedBackprop) Fits(m *savedmodels.Model) error {
	if m.Rectified() {
		return nil
	}
	return errors.New("guided_backprop: the network has no Relu, Relu6 or LeakyRelu between the image and the logits, and without one " +
		"this is simple_gradient")
}

func (e *GuidedBackprop) build(n *network, x tf.Output) (tf.Output, error) {
	if err := e.Fits(n.model); err != nil {
		return tf.Output{}, err
	}
	f, err := n.evaluate(x, 1)
	if err != nil {
		return tf.Output{}, err
	}
	return n.derive(f.logits, x, gradient.Options{Upstream: []tf.Output{n.slope(f, e.Score)}, Guided: true})
}
