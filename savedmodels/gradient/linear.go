package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// product is a matrix product operation with the names of its flags that turn the
// operands.
type product struct{ kind, turnA, turnB string }

func (p product) of(s *scope, a, b tf.Output, turnA, turnB bool) tf.Output {
	return s.One(p.kind, attrs{p.turnA: turnA, p.turnB: turnB}, a, b)
}

// operands returns the gradients of A and B in Y = A B, where a flag says that the
// operation was given the transpose of A or of B.
//
//	dA = G B', dB = A' G
func (p product) operands(s *scope, c *call, turnA, turnB bool) []tf.Output {
	a, b, g := c.in[0], c.in[1], c.up[0]
	in := make([]tf.Output, 2)
	if c.wants[0] && turnA {
		in[0] = p.of(s, b, g, turnB, true)
	} else if c.wants[0] {
		in[0] = p.of(s, g, b, false, !turnB)
	}
	if c.wants[1] && turnB {
		in[1] = p.of(s, g, a, true, turnA)
	} else if c.wants[1] {
		in[1] = p.of(s, a, g, !turnA, false)
	}
	return in
}

func matMulGrad(s *scope, c *call) []tf.Output {
	turn := s.AttrsOf(c.op, "transpose_a", "transpose_b")
	p := product{"MatMul", "transpose_a", "transpose_b"}
	return p.operands(s, c, turn["transpose_a"] == true, turn["transpose_b"] == true)
}

// batchMatMulGrad covers all versions of the operation; from the second on the
// batch axes are broadcast.
func batchMatMulGrad(s *scope, c *call) []tf.Output {
	turn := s.AttrsOf(c.op, "adj_x", "adj_y")
	p := product{"BatchMatMulV2", "adj_x", "adj_y"}
	in := p.operands(s, c, turn["adj_x"] == true, turn["adj_y"] == true)
	for i := range in {
		if in[i].Op != nil {
			in[i] = s.sumBatches(in[i], c.in[i])
		}
	}
	return in
}

// sumBatches is sumTo on all axes but the two of the matrix, whose sizes are the
// same in g and x even where x's size is unknown.
func (s *scope) sumBatches(g, x tf.Output) tf.Output {
	from, to := ops.Dims(g), ops.Dims(x)
	if len(from) == 2 && len(to) == 2 {
		return g
	}
	if from != nil && len(from) == len(to) {
		batches := func(d []int64) []int64 { return d[:len(d)-2] }
		if ops.Same(batches(from), batches(to)) {
			return g
		}
	}
	return s.sumTo(g, x)
}

func mixedTypes(n *node) string {
	if n.in[0].DataType() != n.in[1].DataType() {
		return "operands of different types"
	}
	return ""
}

func biasAddRefused(n *node) string {
	if n.wants[1] && ops.Dims(n.in[0]) == nil {
		return "unknown rank"
	}
	return ""
}

// biasAddGrad sums for the bias over all axes but the channels'.
func biasAddGrad(s *scope, c *call) []tf.Output {
	in := []tf.Output{c.up[0], {}}
	if !c.wants[1] {
		return in
	}
	rank := len(ops.Dims(c.in[0]))
	channel := rank - 1
	if c.op.Type() == "BiasAdd" && s.AttrsOf(c.op, "data_format")["data_format"] == "NCHW" {
		channel = 1
	}
	var sum []int64
	for i := range rank {
		if i != channel {
			sum = append(sum, int64(i))
		}
	}
	in[1] = s.sum(c.up[0], sum, false)
	return in
}
