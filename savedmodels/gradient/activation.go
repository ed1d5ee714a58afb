package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"
)

// The form y(1-y) would be 0 for every y that rounds to 1.
func sigmoidGrad(s *scope, x, y, g tf.Output) tf.Output {
	return s.mul(g, s.mul(y, s.one("Sigmoid", nil, s.neg(x))))
}

func tanhGrad(s *scope, _, y, g tf.Output) tf.Output { return s.one("TanhGrad", nil, y, g) }

// TanhGrad(y, g) = g (1 - y^2).
func tanhGradGrad(s *scope, c *call) []tf.Output {
	y, g, up := c.in[0], c.in[1], c.up[0]
	var dy, dg tf.Output
	if c.wants[0] {
		dy = s.scale(-2, s.mul(s.mul(up, g), y))
	}
	if c.wants[1] {
		dg = s.one("TanhGrad", nil, y, up)
	}
	return []tf.Output{dy, dg}
}

func reluGrad(s *scope, _, y, g tf.Output) tf.Output  { return s.one("ReluGrad", nil, g, y) }
func relu6Grad(s *scope, _, y, g tf.Output) tf.Output { return s.one("Relu6Grad", nil, g, y) }

func leakyReluGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{s.one("LeakyReluGrad", s.attrs(c.op, "alpha"), c.up[0], c.in[0])}
}

// gateAgain is the rule of ReluGrad and its like: linear in the gradient, constant
// in the features almost everywhere, so the same gate applies to the new gradient.
func gateAgain(s *scope, c *call) []tf.Output {
	var a attrs
	if kind := c.op.Type(); kind == "LeakyReluGrad" {
		a = s.attrs(c.op, "alpha")
	}
	return []tf.Output{s.one(c.op.Type(), a, c.up[0], c.in[1])}
}

func eluGrad(s *scope, _, y, g tf.Output) tf.Output  { return s.one("EluGrad", nil, g, y) }
func seluGrad(s *scope, _, y, g tf.Output) tf.Output { return s.one("SeluGrad", nil, g, y) }

// EluGrad(g, y) is g for y > 0, else g(y+1); SeluGrad is a constant times g, else
// g(y+constant). Both have slope g in y below 0.
func eluGradGrad(s *scope, c *call) []tf.Output {
	g, y, up := c.in[0], c.in[1], c.up[0]
	var dg, dy tf.Output
	if c.wants[0] {
		dg = s.one(c.op.Type(), nil, up, y)
	}
	if c.wants[1] {
		below := s.one("Less", nil, y, s.scalar(0, y))
		dy = s.one("SelectV2", nil, below, s.mul(up, g), s.scalar(0, y))
	}
	return []tf.Output{dg, dy}
}

func softplusGrad(s *scope, x, _, g tf.Output) tf.Output { return s.one("SoftplusGrad", nil, g, x) }

// SoftplusGrad(g, x) = g sigmoid(x).
func softplusGradGrad(s *scope, c *call) []tf.Output {
	g, x, up := c.in[0], c.in[1], c.up[0]
	var dg, dx tf.Output
	if c.wants[0] {
		dg = s.one("SoftplusGrad", nil, up, x)
	}
	if c.wants[1] {
		dx = s.mul(s.one("SoftplusGrad", nil, s.mul(up, g), x), s.one("Sigmoid", nil, s.neg(x)))
	}
	return []tf.Output{dg, dx}
}

func softsignGrad(s *scope, x, _, g tf.Output) tf.Output { return s.one("SoftsignGrad", nil, g, x) }

// SoftsignGrad(g, x) = g / (1+|x|)^2.
func softsignGradGrad(s *scope, c *call) []tf.Output {
	g, x, up := c.in[0], c.in[1], c.up[0]
	var dg, dx tf.Output
	if c.wants[0] {
		dg = s.one("SoftsignGrad", nil, up, x)
	}
	if c.wants[1] {
		size := s.add(s.one("Abs", nil, x), s.scalar(1, x))
		slope := s.div(s.scale(-2, s.one("Sign", nil, x)), size)
		dx = s.mul(s.one("SoftsignGrad", nil, s.mul(up, g), x), slope)
	}
	return []tf.Output{dg, dx}
}
