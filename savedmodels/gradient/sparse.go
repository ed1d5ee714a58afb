package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"
)

// sparseMatMulGrad is the rule of SparseMatMul, a MatMul of dense tensors that says which has many zeros. It returns float32.
func sparseMatMulGrad(s *scope, c *call) []tf.Output {
	turn := s.AttrsOf(c.op, "transpose_a", "transpose_b")
	a, b := c.in[0].DataType(), c.in[1].DataType()
	dense := *c
	dense.in = []tf.Output{s.Cast(c.in[0], tf.Float), s.Cast(c.in[1], tf.Float)}
	p := product{"MatMul", "transpose_a", "transpose_b"}
	in := p.operands(s, &dense, turn["transpose_a"] == true, turn["transpose_b"] == true)
	for i, t := range []tf.DataType{a, b} {
		if in[i].Op != nil {
			in[i] = s.Cast(in[i], t)
		}
	}
	return in
}

func sparseValuesRefused(n *node) string {
	if n.wants[1] {
		return "the values of the sparse matrix depend on the input"
	}
	return ""
}

// sparseProductGrad is the rule of Y = A B with a sparse matrix A, given by indices, values and shape, and flags for the
// transpose of either: dB = A' G, or its transpose.
func sparseProductGrad(s *scope, c *call) []tf.Output {
	a := s.AttrsOf(c.op, "adjoint_a", "adjoint_b")
	back := s.One("SparseTensorDenseMatMul", attrs{"adjoint_a": a["adjoint_a"] != true}, c.in[0], c.in[1], c.in[2], c.up[0])
	if a["adjoint_b"] == true {
		back = s.One("Transpose", nil, back, s.Constant([]int32{1, 0}))
	}
	return []tf.Output{{}, {}, {}, back}
}
