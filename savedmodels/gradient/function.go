package gradient

import (
	"math"

	tf "github.com/wamuir/graft/tensorflow"
)

// slope makes a rule of the derivative of a function of one operand, from the operand (x) and the result (y).
func slope(f func(s *scope, x, y tf.Output) tf.Output) rule {
	return unary(func(s *scope, x, y, g tf.Output) tf.Output { return s.Mul(g, f(s, x, y)) })
}

func (s *scope) square(x tf.Output) tf.Output { return s.One("Square", nil, x) }

// quadratic is v + k x^2, which many slopes hold.
func (s *scope) quadratic(v, k float64, x tf.Output) tf.Output {
	return s.Add(s.Scale(k, s.square(x)), s.Scalar(v, x))
}

func tanSlope(s *scope, _, y tf.Output) tf.Output  { return s.quadratic(1, 1, y) }
func asinSlope(s *scope, x, _ tf.Output) tf.Output { return s.One("Rsqrt", nil, s.quadratic(1, -1, x)) }
func acosSlope(s *scope, x, y tf.Output) tf.Output { return s.Neg(asinSlope(s, x, y)) }

// The squares of x would overflow where cosh(asinh x) = sqrt(x^2 + 1) does not.
func asinhSlope(s *scope, _, y tf.Output) tf.Output {
	return s.One("Reciprocal", nil, s.One("Cosh", nil, y))
}

func acoshSlope(s *scope, _, y tf.Output) tf.Output {
	return s.One("Reciprocal", nil, s.One("Sinh", nil, y))
}

func atanhSlope(s *scope, x, _ tf.Output) tf.Output {
	return s.One("Reciprocal", nil, s.quadratic(1, -1, x))
}

func lgammaSlope(s *scope, x, _ tf.Output) tf.Output { return s.One("Digamma", nil, x) }

func digammaSlope(s *scope, x, _ tf.Output) tf.Output {
	return s.One("Polygamma", nil, s.Fill(x, 1), x)
}

func erfinvSlope(s *scope, _, y tf.Output) tf.Output {
	return s.Scale(math.Sqrt(math.Pi)/2, s.One("Exp", nil, s.square(y)))
}

func ndtriSlope(s *scope, _, y tf.Output) tf.Output {
	return s.Scale(math.Sqrt(2*math.Pi), s.One("Exp", nil, s.Scale(0.5, s.square(y))))
}

// BesselI0e(x) = e^-|x| I0(x), and I0' = I1.
func besselI0eSlope(s *scope, x, y tf.Output) tf.Output {
	return s.Sub(s.One("BesselI1e", nil, x), s.Mul(s.One("Sign", nil, x), y))
}

// BesselI1e(x) = e^-|x| I1(x), and I1' = I0 - I1/x, which is 1/2 at 0.
func besselI1eSlope(s *scope, x, y tf.Output) tf.Output {
	zero := s.One("Equal", nil, x, s.Scalar(0, x))
	apart := s.One("SelectV2", nil, zero, s.Scalar(1, x), x)
	away := s.Sub(s.One("BesselI0e", nil, x), s.Mul(y, s.Add(s.One("Sign", nil, x), s.One("Reciprocal", nil, apart))))
	return s.One("SelectV2", nil, zero, s.Scalar(0.5, x), away)
}

// orderRefused is for functions of a family whose first operand says which one: no formula is known for its derivative.
func orderRefused(n *node) string {
	if n.wants[0] {
		return "its order depends on the input"
	}
	return ""
}

// polygammaRight: the derivative of the a-th polygamma function is the next one.
func polygammaRight(s *scope, a, b, _, g tf.Output) tf.Output {
	return s.Mul(g, s.One("Polygamma", nil, s.Add(a, s.Scalar(1, a)), b))
}

// zetaRight: d/dq zeta(x, q) = -x zeta(x+1, q).
func zetaRight(s *scope, a, b, _, g tf.Output) tf.Output {
	return s.Neg(s.Mul(g, s.Mul(a, s.One("Zeta", nil, s.Add(a, s.Scalar(1, a)), b))))
}

// none is the derivative with respect to an operand that is refused.
func none(*scope, tf.Output, tf.Output, tf.Output, tf.Output) tf.Output { return tf.Output{} }

func atan2Left(s *scope, a, b, _, g tf.Output) tf.Output {
	return s.Mul(g, s.Div(b, s.Add(s.square(a), s.square(b))))
}

func atan2Right(s *scope, a, b, _, g tf.Output) tf.Output {
	return s.Neg(s.Mul(g, s.Div(a, s.Add(s.square(a), s.square(b)))))
}

// The three products and quotients that are 0 where their first operand is, whatever the second: so are their slopes.

func (s *scope) unless0(a tf.Output) tf.Output {
	if s.Err() != nil {
		return tf.Output{}
	}
	return s.Cast(s.One("NotEqual", nil, a, s.Scalar(0, a)), a.DataType())
}

func xlogyLeft(s *scope, a, b, _, g tf.Output) tf.Output {
	return s.Mul(g, s.One("Xlogy", nil, s.unless0(a), b))
}

func xlogyRight(s *scope, a, b, _, g tf.Output) tf.Output {
	return s.Mul(g, s.One("Xdivy", nil, a, b))
}

func xlog1pyLeft(s *scope, a, b, _, g tf.Output) tf.Output {
	return s.Mul(g, s.One("Xlog1py", nil, s.unless0(a), b))
}

func xlog1pyRight(s *scope, a, b, _, g tf.Output) tf.Output {
	return s.Mul(g, s.One("Xdivy", nil, a, s.Add(b, s.Scalar(1, b))))
}

func xdivyLeft(s *scope, a, b, _, g tf.Output) tf.Output {
	return s.Mul(g, s.One("Xdivy", nil, s.unless0(a), b))
}

func xdivyRight(s *scope, a, b, _, g tf.Output) tf.Output {
	return s.Neg(s.Mul(g, s.One("Xdivy", nil, a, s.square(b))))
}

// truncateModRight: TruncateMod(a, b) = a - b trunc(a/b), with a's sign.
func truncateModRight(s *scope, a, b, _, g tf.Output) tf.Output {
	ratio := s.Div(a, b)
	whole := s.Mul(s.One("Sign", nil, ratio), s.One("Floor", nil, s.One("Abs", nil, ratio)))
	return s.Neg(s.Mul(g, whole))
}

func crossLeft(s *scope, _, b, _, g tf.Output) tf.Output  { return s.One("Cross", nil, b, g) }
func crossRight(s *scope, a, _, _, g tf.Output) tf.Output { return s.One("Cross", nil, g, a) }
