package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// reduction makes a rule of a formula for the gradient of the first input. keep puts
// the reduced axes back, with size 1, into tensors of the result's shape.
func reduction(f func(s *scope, c *call, keep func(tf.Output) tf.Output) tf.Output) rule {
	return func(s *scope, c *call) []tf.Output {
		return []tf.Output{f(s, c, s.keeper(c)), {}}
	}
}

func sumGrad(s *scope, c *call, keep func(tf.Output) tf.Output) tf.Output {
	return s.broadcastLike(keep(c.up[0]), c.in[0])
}

func meanGrad(s *scope, c *call, keep func(tf.Output) tf.Output) tf.Output {
	return s.broadcastLike(s.Div(keep(c.up[0]), s.count(c)), c.in[0])
}

// extremeGrad shares the gradient evenly among equal extremes.
func extremeGrad(s *scope, c *call, keep func(tf.Output) tf.Output) tf.Output {
	x := c.in[0]
	at := s.Cast(s.One("Equal", nil, x, keep(c.out(0))), x.DataType())
	shares := s.One("Sum", attrs{"keep_dims": true}, at, c.in[1])
	return s.Mul(at, s.Div(keep(c.up[0]), shares))
}

// normGrad is g x/|x|, 0 where the norm is.
func normGrad(s *scope, c *call, keep func(tf.Output) tf.Output) tf.Output {
	return s.Mul(c.in[0], s.One("DivNoNan", nil, keep(c.up[0]), keep(c.out(0))))
}

// count is the number of elements behind each element of a mean.
func (s *scope) count(c *call) tf.Output {
	x := c.in[0]
	d := ops.Dims(x)
	if over, ok := ops.Axes(c.in[1], len(d)); d != nil && ok {
		n := int64(1)
		for _, axis := range over {
			n = max(n, 0) * d[axis] // stays below 1 once a size is unknown
		}
		if n > 0 {
			return s.Scalar(float64(n), x)
		}
	}
	size := func(t tf.Output) tf.Output { return s.Cast(s.One("Size", nil, t), x.DataType()) }
	return s.Div(size(x), size(c.out(0)))
}

// keeper returns a function that puts back the axes that a reduction dropped.
func (s *scope) keeper(c *call) func(tf.Output) tf.Output {
	if s.AttrsOf(c.op, "keep_dims")["keep_dims"] == true {
		return func(t tf.Output) tf.Output { return t }
	}
	var shape tf.Output
	return func(t tf.Output) tf.Output {
		if shape.Op == nil {
			shape = s.keptShape(c.in[0], c.in[1])
		}
		return s.One("Reshape", nil, t, shape)
	}
}

// keptShape is x's shape with size 1 on the reduced axes.
func (s *scope) keptShape(x, over tf.Output) tf.Output {
	if s.Err() != nil {
		return tf.Output{}
	}
	if d := ops.Dims(x); d != nil {
		if reduced, ok := ops.Axes(over, len(d)); ok {
			for _, axis := range reduced {
				d[axis] = 1
			}
			unknown := 0
			for _, n := range d {
				if n < 0 {
					unknown++
				}
			}
			if unknown < 2 { // Reshape finds one unknown size, written -1, itself
				return s.Integers(d, tf.Int32)
			}
		}
	}
	rank := s.One("Rank", nil, x)
	zero, one := s.Constant(int32(0)), s.Constant(int32(1))
	over = s.One("Reshape", nil, s.One("Cast", attrs{"DstT": tf.Int32}, over), s.Constant([]int32{-1}))
	positive := s.One("FloorMod", nil, s.Add(over, rank), rank)
	all := s.One("Range", nil, zero, rank, one)
	ones := s.One("Fill", nil, s.One("Shape", nil, positive), one)
	return s.One("DynamicStitch", nil, tf.OutputList{all, positive}, tf.OutputList{s.ShapeOf(x), ones})
}

func cumsumGrad(s *scope, c *call) []tf.Output {
	a := s.AttrsOf(c.op, "exclusive", "reverse")
	a["reverse"] = a["reverse"] != true
	return []tf.Output{s.One("Cumsum", a, c.up[0], c.in[1]), {}}
}
