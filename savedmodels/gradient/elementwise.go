package gradient

import (
	"math"

	tf "github.com/wamuir/graft/tensorflow"
)

// unary makes a rule of a formula for the gradient of the first input from it (x),
// the output (y) and the output's gradient (g).
func unary(f func(s *scope, x, y, g tf.Output) tf.Output) rule {
	return func(s *scope, c *call) []tf.Output {
		return []tf.Output{f(s, c.in[0], c.out(0), c.up[0])}
	}
}

// unaryCall is unary for formulas that read attributes.
func unaryCall(f func(s *scope, c *call, g tf.Output) tf.Output) rule {
	return func(s *scope, c *call) []tf.Output {
		return []tf.Output{f(s, c, c.up[0])}
	}
}

func pass(_ *scope, c *call) []tf.Output     { return c.up[:1] }
func passEach(_ *scope, c *call) []tf.Output { return c.up }

func passToAll(_ *scope, c *call) []tf.Output {
	in := make([]tf.Output, len(c.in))
	for i := range in {
		in[i] = c.up[0]
	}
	return in
}

func castBack(s *scope, x, _, g tf.Output) tf.Output { return s.Cast(g, x.DataType()) }
func negGrad(s *scope, _, _, g tf.Output) tf.Output  { return s.Neg(g) }

func absGrad(s *scope, x, _, g tf.Output) tf.Output {
	return s.Mul(g, s.One("Sign", nil, x))
}

func squareGrad(s *scope, x, _, g tf.Output) tf.Output { return s.timesDouble(g, x) }

// timesDouble is g times 2x, where derivatives share 2x unless g is the smaller one to double.
func (s *scope) timesDouble(g, x tf.Output) tf.Output {
	if _, repeated := beforeBroadcast(g); repeated {
		return s.Mul(s.Scale(2, g), x)
	}
	return s.Mul(g, s.Scale(2, x))
}

func sqrtGrad(s *scope, _, y, g tf.Output) tf.Output { return s.One("SqrtGrad", nil, y, g) }

// SqrtGrad(y, g) = g / 2y.
func sqrtGradGrad(s *scope, c *call) []tf.Output {
	y, up := c.in[0], c.up[0]
	var dy, dg tf.Output
	if c.wants[0] {
		dy = s.Neg(s.Div(s.Mul(up, c.out(0)), y))
	}
	if c.wants[1] {
		dg = s.One("SqrtGrad", nil, y, up)
	}
	return []tf.Output{dy, dg}
}

func rsqrtGrad(s *scope, _, y, g tf.Output) tf.Output { return s.One("RsqrtGrad", nil, y, g) }

// RsqrtGrad(y, g) = -g y^3 / 2.
func rsqrtGradGrad(s *scope, c *call) []tf.Output {
	y, g, up := c.in[0], c.in[1], c.up[0]
	var dy, dg tf.Output
	if c.wants[0] {
		dy = s.Scale(-1.5, s.Mul(s.Mul(up, g), s.One("Square", nil, y)))
	}
	if c.wants[1] {
		dg = s.One("RsqrtGrad", nil, y, up)
	}
	return []tf.Output{dy, dg}
}

func reciprocalGrad(s *scope, _, y, g tf.Output) tf.Output {
	return s.One("ReciprocalGrad", nil, y, g)
}

// ReciprocalGrad(y, g) = -g y^2.
func reciprocalGradGrad(s *scope, c *call) []tf.Output {
	y, g, up := c.in[0], c.in[1], c.up[0]
	var dy, dg tf.Output
	if c.wants[0] {
		dy = s.Scale(-2, s.Mul(s.Mul(up, g), y))
	}
	if c.wants[1] {
		dg = s.One("ReciprocalGrad", nil, y, up)
	}
	return []tf.Output{dy, dg}
}

func expGrad(s *scope, _, y, g tf.Output) tf.Output   { return s.Mul(g, y) }
func expm1Grad(s *scope, x, _, g tf.Output) tf.Output { return s.Mul(g, s.One("Exp", nil, x)) }
func logGrad(s *scope, x, _, g tf.Output) tf.Output   { return s.Div(g, x) }

func log1pGrad(s *scope, x, _, g tf.Output) tf.Output {
	return s.Div(g, s.Add(x, s.Scalar(1, x)))
}

func sinGrad(s *scope, x, _, g tf.Output) tf.Output  { return s.Mul(g, s.One("Cos", nil, x)) }
func cosGrad(s *scope, x, _, g tf.Output) tf.Output  { return s.Neg(s.Mul(g, s.One("Sin", nil, x))) }
func sinhGrad(s *scope, x, _, g tf.Output) tf.Output { return s.Mul(g, s.One("Cosh", nil, x)) }
func coshGrad(s *scope, x, _, g tf.Output) tf.Output { return s.Mul(g, s.One("Sinh", nil, x)) }

func atanGrad(s *scope, x, _, g tf.Output) tf.Output {
	return s.Div(g, s.Add(s.One("Square", nil, x), s.Scalar(1, x)))
}

func erfGrad(s *scope, x, _, g tf.Output) tf.Output {
	bell := s.One("Exp", nil, s.Neg(s.One("Square", nil, x)))
	return s.Mul(g, s.Scale(2/math.Sqrt(math.Pi), bell))
}

func erfcGrad(s *scope, x, y, g tf.Output) tf.Output { return s.Neg(erfGrad(s, x, y, g)) }

func l2LossGrad(s *scope, x, _, g tf.Output) tf.Output { return s.Mul(x, g) }
