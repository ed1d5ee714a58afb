package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"
)

// The form y(1-y) would be 0 for every y that rounds to 1.
func sigmoidGrad(s *scope, x, y, g tf.Output) tf.Output {
	return s.Mul(g, s.Mul(y, s.One("Sigmoid", nil, s.Neg(x))))
}

func tanhGrad(s *scope, _, y, g tf.Output) tf.Output { return s.One("TanhGrad", nil, y, g) }

// TanhGrad(y, g) = g (1 - y^2).
func tanhGradGrad(s *scope, c *call) []tf.Output {
	y, g, up := c.in[0], c.in[1], c.up[0]
	var dy, dg tf.Output
	if c.wants[0] {
		dy = s.Scale(-2, s.Mul(s.Mul(up, g), y))
	}
	if c.wants[1] {
		dg = s.One("TanhGrad", nil, y, up)
	}
	return []tf.Output{dy, dg}
}

func reluGrad(s *scope, _, y, g tf.Output) tf.Output  { return s.One("ReluGrad", nil, g, y) }
func relu6Grad(s *scope, _, y, g tf.Output) tf.Output { return s.One("Relu6Grad", nil, g, y) }

func leakyReluGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{s.One("LeakyReluGrad", s.AttrsOf(c.op, "alpha"), c.up[0], c.in[0])}
}

// gateAgain is the rule of ReluGrad and its like: linear in the gradient, constant
// in the features almost everywhere, so the same gate applies to the new gradient.
func gateAgain(s *scope, c *call) []tf.Output {
	var a attrs
	if kind := c.op.Type(); kind == "LeakyReluGrad" {
		a = s.AttrsOf(c.op, "alpha")
	}
	return []tf.Output{s.One(c.op.Type(), a, c.up[0], c.in[1])}
}

func eluGrad(s *scope, _, y, g tf.Output) tf.Output  { return s.One("EluGrad", nil, g, y) }
func seluGrad(s *scope, _, y, g tf.Output) tf.Output { return s.One("SeluGrad", nil, g, y) }

// EluGrad(g, y) is g for y > 0, else g(y+1); SeluGrad is a constant times g, else
// g(y+constant). Both have slope g in y below 0.
func eluGradGrad(s *scope, c *call) []tf.Output {
	g, y, up := c.in[0], c.in[1], c.up[0]
	var dg, dy tf.Output
	if c.wants[0] {
		dg = s.One(c.op.Type(), nil, up, y)
	}
	if c.wants[1] {
		below := s.One("Less", nil, y, s.Scalar(0, y))
		dy = s.One("SelectV2", nil, below, s.Mul(up, g), s.Scalar(0, y))
	}
	return []tf.Output{dg, dy}
}

// gradientOf is the attribute that tells kinds of IdentityN apart, and slopeGiven the kind whose inputs are a function's value, its
// argument and its slope there, element by element, and whose first output is read. How the value was calculated is then nobody's
// business, and the slope is shared by all derivatives.
const (
	gradientOf = "_gradient_op_type"
	slopeGiven = "SlopeGiven"
)

// rectifies says whether a kind of operation is a rectifier, or the smooth function in place of one.
func rectifies(kind string) bool {
	return kind == "Relu" || kind == "Relu6" || kind == "LeakyRelu" || kind == slopeGiven
}

func givenSlope(s *scope, c *call) []tf.Output {
	in := make([]tf.Output, len(c.in))
	if c.up[0].Op != nil {
		in[1] = s.Mul(c.up[0], c.in[2])
	}
	return in
}

func softplusGrad(s *scope, x, _, g tf.Output) tf.Output { return s.One("SoftplusGrad", nil, g, x) }

// SoftplusGrad(g, x) = g sigmoid(x).
func softplusGradGrad(s *scope, c *call) []tf.Output {
	g, x, up := c.in[0], c.in[1], c.up[0]
	var dg, dx tf.Output
	if c.wants[0] {
		dg = s.One("SoftplusGrad", nil, up, x)
	}
	if c.wants[1] {
		dx = s.Mul(s.One("SoftplusGrad", nil, s.Mul(up, g), x), s.One("Sigmoid", nil, s.Neg(x)))
	}
	return []tf.Output{dg, dx}
}

func softsignGrad(s *scope, x, _, g tf.Output) tf.Output { return s.One("SoftsignGrad", nil, g, x) }

// SoftsignGrad(g, x) = g / (1+|x|)^2.
func softsignGradGrad(s *scope, c *call) []tf.Output {
	g, x, up := c.in[0], c.in[1], c.up[0]
	var dg, dx tf.Output
	if c.wants[0] {
		dg = s.One("SoftsignGrad", nil, up, x)
	}
	if c.wants[1] {
		size := s.Add(s.One("Abs", nil, x), s.Scalar(1, x))
		slope := s.Div(s.Scale(-2, s.One("Sign", nil, x)), size)
		dx = s.Mul(s.One("SoftsignGrad", nil, s.Mul(up, g), x), slope)
	}
	return []tf.Output{dg, dx}
}
