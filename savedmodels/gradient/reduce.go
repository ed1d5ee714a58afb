package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"
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
	return s.broadcastLike(s.div(keep(c.up[0]), s.count(c)), c.in[0])
}

// extremeGrad shares the gradient evenly among equal extremes.
func extremeGrad(s *scope, c *call, keep func(tf.Output) tf.Output) tf.Output {
	x := c.in[0]
	at := s.cast(s.one("Equal", nil, x, keep(c.out(0))), x.DataType())
	shares := s.one("Sum", attrs{"keep_dims": true}, at, c.in[1])
	return s.mul(at, s.div(keep(c.up[0]), shares))
}

// count is the number of elements behind each element of a mean.
func (s *scope) count(c *call) tf.Output {
	x := c.in[0]
	d := dims(x)
	if over, ok := axes(c.in[1], len(d)); d != nil && ok {
		n := int64(1)
		for _, axis := range over {
			n = max(n, 0) * d[axis] // stays below 1 once a size is unknown
		}
		if n > 0 {
			return s.scalar(float64(n), x)
		}
	}
	size := func(t tf.Output) tf.Output { return s.cast(s.one("Size", nil, t), x.DataType()) }
	return s.div(size(x), size(c.out(0)))
}

// keeper returns a function that puts back the axes that a reduction dropped.
func (s *scope) keeper(c *call) func(tf.Output) tf.Output {
	if s.attrs(c.op, "keep_dims")["keep_dims"] == true {
		return func(t tf.Output) tf.Output { return t }
	}
	var shape tf.Output
	return func(t tf.Output) tf.Output {
		if shape.Op == nil {
			shape = s.keptShape(c.in[0], c.in[1])
		}
		return s.one("Reshape", nil, t, shape)
	}
}

// keptShape is x's shape with size 1 on the reduced axes.
func (s *scope) keptShape(x, over tf.Output) tf.Output {
	if s.err != nil {
		return tf.Output{}
	}
	if d := dims(x); d != nil {
		if reduced, ok := axes(over, len(d)); ok {
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
				return s.integers(d, tf.Int32)
			}
		}
	}
	rank := s.one("Rank", nil, x)
	zero, one := s.constant(int32(0)), s.constant(int32(1))
	over = s.one("Reshape", nil, s.one("Cast", attrs{"DstT": tf.Int32}, over), s.constant([]int32{-1}))
	positive := s.one("FloorMod", nil, s.add(over, rank), rank)
	all := s.one("Range", nil, zero, rank, one)
	ones := s.one("Fill", nil, s.one("Shape", nil, positive), one)
	return s.one("DynamicStitch", nil, tf.OutputList{all, positive}, tf.OutputList{s.shapeOf(x), ones})
}

func cumsumGrad(s *scope, c *call) []tf.Output {
	a := s.attrs(c.op, "exclusive", "reverse")
	a["reverse"] = a["reverse"] != true
	return []tf.Output{s.one("Cumsum", a, c.up[0], c.in[1]), {}}
}
