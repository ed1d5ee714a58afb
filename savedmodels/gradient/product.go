package gradient

import (
	"slices"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// longestProduct bounds what prodGrad repeats.
const longestProduct = 64

func prodRefused(n *node) string {
	length, _, ok := factors(n.in[0], n.in[1])
	switch {
	case !ok:
		return "unknown axes or sizes"
	case length > longestProduct:
		return "more than 64 factors"
	}
	return ""
}

// factors is the number of factors of each product over the given axes of x, and
// x's axes with these moved to the end.
func factors(x, over tf.Output) (length int64, order []int64, ok bool) {
	d := ops.Dims(x)
	reduced, ok := ops.Axes(over, len(d))
	if d == nil || !ok {
		return 0, nil, false
	}
	for axis := range d {
		if !slices.Contains(reduced, int64(axis)) {
			order = append(order, int64(axis))
		}
	}
	length = 1
	for _, axis := range reduced {
		length *= d[axis]
		order = append(order, axis)
	}
	return length, order, length > 0
}

// prodGrad multiplies, for each element, all other factors of its product, because
// dividing the product by the element fails at zero.
func prodGrad(s *scope, c *call) []tf.Output {
	x, g := c.in[0], c.up[0]
	n, order, _ := factors(x, c.in[1])
	own := make([][]bool, n)
	for i := range own {
		own[i] = make([]bool, n)
		own[i][i] = true
	}
	turned := s.One("Transpose", nil, x, s.Integers(order, tf.Int32))
	rows := s.One("Reshape", nil, turned, s.Constant([]int32{-1, 1, int32(n)}))
	others := s.One("SelectV2", nil, s.Constant(own), s.Scalar(1, x), rows)
	slope := s.One("Prod", nil, others, s.Constant([]int32{2}))
	each := s.Mul(slope, s.One("Reshape", nil, g, s.Constant([]int32{-1, 1})))
	back := s.One("Reshape", nil, each, s.ShapeOf(turned))
	return []tf.Output{s.One("Transpose", nil, back, s.Integers(inverse(order), tf.Int32)), {}}
}

// inverse is the permutation that undoes p.
func inverse(p []int64) []int64 {
	q := make([]int64, len(p))
	for i, v := range p {
		q[v] = int64(i)
	}
	return q
}
