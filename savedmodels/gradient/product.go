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

func cumprodRefused(n *node) string {
	d := ops.Dims(n.in[0])
	switch at, ok := ops.Axes(n.in[1], len(d)); {
	case !ok || len(at) != 1 || d[at[0]] < 0:
		return "unknown axis or size"
	case d[at[0]] > longestProduct:
		return "more than 64 factors"
	}
	return ""
}

// cumprodGrad multiplies, for each element, all other factors of each of the products that it is in, as prodGrad does.
func cumprodGrad(s *scope, c *call) []tf.Output {
	x, g := c.in[0], c.up[0]
	a := s.AttrsOf(c.op, "exclusive", "reverse")
	d := ops.Dims(x)
	at, _ := ops.Axes(c.in[1], len(d))
	n := int(d[at[0]])
	var order []int64
	for axis := range int64(len(d)) {
		if axis != at[0] {
			order = append(order, axis)
		}
	}
	order = append(order, at[0])
	own, holds := make([][]bool, n), make([][]float32, n)
	for i := range n {
		own[i], holds[i] = make([]bool, n), make([]float32, n)
		own[i][i] = true
		for j := range n {
			if within := j > i || j == i && a["exclusive"] != true; within && a["reverse"] != true {
				holds[i][j] = 1
			}
			if within := j < i || j == i && a["exclusive"] != true; within && a["reverse"] == true {
				holds[i][j] = 1
			}
		}
	}
	turned := s.reorder(x, order)
	row := []int64{-1, 1, int64(n)}
	others := s.One("SelectV2", nil, s.Constant(own), s.Scalar(1, x), s.Reshape(turned, row...))
	slopes := s.Mul(s.One("Cumprod", a, others, s.Constant(int32(2))), s.likeImages(s.Constant(holds), x))
	each := s.sum(s.Mul(slopes, s.Reshape(s.reorder(g, order), row...)), last, false)
	back := s.One("Reshape", nil, each, s.ShapeOf(turned))
	return []tf.Output{s.reorder(back, inverse(order)), {}}
}
