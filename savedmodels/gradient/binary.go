package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// operand is the formula for the gradient of one of two operands a and b, from them,
// the result and the result's gradient g, all in the broadcast shape.
type operand func(s *scope, a, b, result, g tf.Output) tf.Output

// binary makes a rule of the formulas for two operands that are broadcast against
// each other.
func binary(left, right operand) rule {
	return func(s *scope, c *call) []tf.Output {
		a, b, y, g := c.in[0], c.in[1], c.out(0), c.up[0]
		in := make([]tf.Output, 2)
		if c.wants[0] {
			in[0] = s.sumBack(left(s, a, b, y, g), a, b)
		}
		if c.wants[1] {
			in[1] = s.sumBack(right(s, a, b, y, g), b, a)
		}
		return in
	}
}

// sumBack is sumTo for a formula that may have found the gradient to be zero.
func (s *scope) sumBack(g, x tf.Output, others ...tf.Output) tf.Output {
	if g.Op == nil {
		return g
	}
	return s.sumTo(g, x, others...)
}

func passLeft(_ *scope, _, _, _, g tf.Output) tf.Output     { return g }
func passNegative(s *scope, _, _, _, g tf.Output) tf.Output { return s.Neg(g) }
func mulLeft(s *scope, _, b, _, g tf.Output) tf.Output      { return s.Mul(g, s.conjugate(b)) }
func mulRight(s *scope, a, _, _, g tf.Output) tf.Output     { return s.Mul(g, s.conjugate(a)) }

// MulNoNan(a, b) is 0 where b is 0, whatever a is.
func mulNoNanLeft(s *scope, _, b, _, g tf.Output) tf.Output {
	return s.One("MulNoNan", nil, g, b)
}

func mulNoNanRight(s *scope, a, _, _, g tf.Output) tf.Output {
	return s.One("MulNoNan", nil, a, g)
}

func divLeft(s *scope, _, b, _, g tf.Output) tf.Output { return s.Div(g, b) }

func divRight(s *scope, _, b, y, g tf.Output) tf.Output {
	return s.Neg(s.Mul(g, s.Div(y, b)))
}

func divNoNanLeft(s *scope, _, b, _, g tf.Output) tf.Output {
	return s.One("DivNoNan", nil, g, b)
}

func divNoNanRight(s *scope, _, b, y, g tf.Output) tf.Output {
	return s.Neg(s.Mul(g, s.One("DivNoNan", nil, y, b)))
}

// FloorMod(a, b) = a - b floor(a/b).
func floorModRight(s *scope, a, b, _, g tf.Output) tf.Output {
	return s.Neg(s.Mul(g, s.One("FloorDiv", nil, a, b)))
}

func squaredLeft(s *scope, a, b, _, g tf.Output) tf.Output {
	return s.timesDouble(g, s.Sub(a, b))
}

func squaredRight(s *scope, a, b, _, g tf.Output) tf.Output {
	return s.timesDouble(g, s.Sub(b, a))
}

// powLeft writes the small exponents that networks use without Pow, whose
// derivative at 0 would be 0 times infinity.
func powLeft(s *scope, a, b, _, g tf.Output) tf.Output {
	switch k, ok := knownFloat(b); {
	case ok && k == 0:
		return tf.Output{}
	case ok && k == 1:
		return g
	case ok && k == 2:
		return s.Mul(g, s.Scale(2, a))
	case ok && k == 3:
		return s.Mul(g, s.Scale(3, s.One("Square", nil, a)))
	case ok:
		return s.Mul(g, s.Scale(k, s.One("Pow", nil, a, s.Scalar(k-1, a))))
	}
	lower := s.One("Pow", nil, a, s.Sub(b, s.Scalar(1, b)))
	return s.Mul(g, s.One("MulNoNan", nil, lower, b))
}

// powRight takes the logarithm of a negative base to be 0, as TensorFlow does.
func powRight(s *scope, a, _, y, g tf.Output) tf.Output {
	zero, one := s.Scalar(0, a), s.Scalar(1, a)
	positive := s.One("Greater", nil, a, zero)
	log := s.One("Log", nil, s.One("SelectV2", nil, positive, a, one))
	return s.Mul(g, s.Mul(y, log))
}

// knownFloat reads a constant of one element.
func knownFloat(t tf.Output) (float64, bool) {
	value, ok := ops.ConstantOf(t)
	if !ok || len(value.Shape()) > 0 {
		return 0, false
	}
	switch value.DataType() {
	case tf.Float:
		return float64(value.Value().(float32)), true
	case tf.Double:
		return value.Value().(float64), true
	}
	return 0, false
}

// chosen is the rule of Maximum and Minimum: compare says where the first operand is
// the result.
func chosen(compare string) rule {
	return func(s *scope, c *call) []tf.Output {
		a, b, g := c.in[0], c.in[1], c.up[0]
		return s.choose(s.One(compare, nil, a, b), c, 0, a, b, g)
	}
}

// choose gives g to a where cond holds and to b elsewhere; a is input i of c and b the
// next one.
func (s *scope) choose(cond tf.Output, c *call, i int, a, b, g tf.Output) []tf.Output {
	in := make([]tf.Output, len(c.in))
	kind, zero := "SelectV2", s.Scalar(0, g)
	if c.op.Type() == "Select" { // the condition may be a vector over the rows
		kind, zero = "Select", s.Fill(g, 0)
	}
	if c.wants[i] {
		in[i] = s.sumTo(s.One(kind, nil, cond, g, zero), a, b, cond)
	}
	if c.wants[i+1] {
		in[i+1] = s.sumTo(s.One(kind, nil, cond, zero, g), b, a, cond)
	}
	return in
}

func selectGrad(s *scope, c *call) []tf.Output {
	return s.choose(c.in[0], c, 1, c.in[1], c.in[2], c.up[0])
}

// clipGrad passes the gradient where x lies within the limits, both included, and
// gives it to the limit that holds elsewhere.
func clipGrad(s *scope, c *call) []tf.Output {
	x, low, high, g := c.in[0], c.in[1], c.in[2], c.up[0]
	zero := s.Scalar(0, g)
	under, over := s.One("Less", nil, x, low), s.One("Greater", nil, x, high)
	in := make([]tf.Output, 3)
	if c.wants[0] {
		in[0] = s.One("SelectV2", nil, s.One("LogicalOr", nil, under, over), zero, g)
	}
	if c.wants[1] {
		in[1] = s.sumTo(s.One("SelectV2", nil, under, g, zero), low, x)
	}
	if c.wants[2] {
		in[2] = s.sumTo(s.One("SelectV2", nil, over, g, zero), high, x)
	}
	return in
}
