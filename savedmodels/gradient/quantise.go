package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"
)

// Fake quantisation rounds to a few levels between two limits. Its derivative is 0 almost everywhere; training takes it to be
// 1 between the limits and 0 outside, and so does TensorFlow's gradient, which is followed here.

var levels = []string{"num_bits", "narrow_range"}

func fakeQuantArgsGrad(s *scope, c *call) []tf.Output {
	a := s.AttrsOf(c.op, append([]string{"min", "max"}, levels...)...)
	return []tf.Output{s.One("FakeQuantWithMinMaxArgsGradient", a, c.up[0], c.in[0])}
}

// fakeQuantVarsGrad is the rule of the operations with limits for all values, or for each channel.
func fakeQuantVarsGrad(s *scope, c *call) []tf.Output {
	a := s.AttrsOf(c.op, levels...)
	return []tf.Output{s.One(c.op.Type()+"Gradient", a, c.up[0], c.in[0], c.in[1], c.in[2]), {}, {}}
}

func limitsRefused(n *node) string {
	if n.wants[1] || n.wants[2] {
		return "its limits depend on the input"
	}
	return ""
}

// The gates are linear in the gradient that they let through, their first input and output.

func fakeQuantArgsGate(s *scope, c *call) []tf.Output {
	a := s.AttrsOf(c.op, append([]string{"min", "max"}, levels...)...)
	return []tf.Output{s.One(c.op.Type(), a, c.up[0], c.in[1]), {}}
}

func fakeQuantVarsGate(s *scope, c *call) []tf.Output {
	in := make([]tf.Output, len(c.in))
	if c.up[0].Op != nil { // the other outputs are the limits' gradients, which nothing uses
		in[0] = s.One(c.op.Type(), s.AttrsOf(c.op, levels...), c.up[0], c.in[1], c.in[2], c.in[3])
	}
	return in
}
