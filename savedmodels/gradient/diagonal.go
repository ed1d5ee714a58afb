package gradient

import (
	"strings"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// The operations on diagonals of matrices are linear. Later versions take a band of diagonals, k, and say at which end a shorter
// one is filled up; the rules write the last version of each.

// band is which diagonals an operation is about: the tensor k, and their alignment.
func (s *scope) band(c *call, input int) (k tf.Output, a attrs) {
	a = attrs{"align": "LEFT_LEFT"} // version 2
	switch kind := c.op.Type(); {
	case strings.HasSuffix(kind, "V3"):
		a = s.AttrsOf(c.op, "align")
	case !strings.HasSuffix(kind, "V2"):
		return s.Constant(int32(0)), a
	}
	return c.in[input], a
}

func diagGrad(s *scope, c *call) []tf.Output {
	k, a := s.band(c, 1)
	in := make([]tf.Output, len(c.in))
	in[0] = s.One("MatrixDiagPartV3", a, c.up[0], k, s.Scalar(0, c.up[0]))
	return in
}

func diagPartGrad(s *scope, c *call) []tf.Output {
	k, a := s.band(c, 1)
	in := make([]tf.Output, len(c.in))
	in[0] = s.One("MatrixSetDiagV3", a, s.Fill(c.in[0], 0), c.up[0], k)
	return in
}

// setDiagGrad is the rule of MatrixSetDiag, which puts diagonals into a matrix.
func setDiagGrad(s *scope, c *call) []tf.Output {
	k, a := s.band(c, 2)
	in := make([]tf.Output, len(c.in))
	if c.wants[0] {
		in[0] = s.One("MatrixSetDiagV3", a, c.up[0], s.Fill(c.in[1], 0), k)
	}
	if c.wants[1] {
		in[1] = s.One("MatrixDiagPartV3", a, c.up[0], k, s.Scalar(0, c.up[0]))
	}
	return in
}

// diagonalRefused: the value that fills up what no diagonal reaches is a constant in every network, and TensorFlow infers wrong
// ranks where it does not know the sizes of several diagonals.
func diagonalRefused(n *node) string {
	if len(n.in) > 1 && len(ops.Dims(n.in[1])) == 1 && !ops.Static(ops.Dims(n.in[0])) {
		return "unknown sizes"
	}
	if len(n.wants) > 2 && n.wants[len(n.wants)-1] {
		return "its padding depends on the input"
	}
	return ""
}

func diagonalPart(s *scope, _, _, g tf.Output) tf.Output { return s.One("DiagPart", nil, g) }
func onDiagonal(s *scope, _, _, g tf.Output) tf.Output   { return s.One("Diag", nil, g) }

func bandPartGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{s.One("MatrixBandPart", nil, c.up[0], c.in[1], c.in[2]), {}, {}}
}

// inverseGrad: dX = -Y' G Y' for Y = X^-1; with the flag adjoint, Y = X'^-1, it is -(Y G' Y).
func inverseGrad(s *scope, c *call) []tf.Output {
	y, g := c.out(0), c.up[0]
	product := func(a, b tf.Output, turnA, turnB bool) tf.Output {
		return s.One("BatchMatMulV2", attrs{"adj_x": turnA, "adj_y": turnB}, a, b)
	}
	if s.AttrsOf(c.op, "adjoint")["adjoint"] == true {
		return []tf.Output{s.Neg(product(y, product(g, y, true, false), false, false))}
	}
	return []tf.Output{s.Neg(product(y, product(g, y, false, true), true, false))}
}
