package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"
)

func reshapeBack(s *scope, x, _, g tf.Output) tf.Output   { return s.reshapeLike(g, x) }
func broadcastBack(s *scope, x, _, g tf.Output) tf.Output { return s.sumTo(g, x) }

func transposeGrad(s *scope, c *call) []tf.Output {
	perm := c.in[1]
	if p, ok := axes(perm, len(dims(c.out(0)))); ok {
		return []tf.Output{s.one("Transpose", nil, c.up[0], s.integers(inverse(p), tf.Int32)), {}}
	}
	return []tf.Output{s.one("Transpose", nil, c.up[0], s.one("InvertPermutation", nil, perm)), {}}
}

// fillGrad sums over all axes, whose number is that of the elements of the shape.
func fillGrad(s *scope, c *call) []tf.Output {
	zero, one := s.constant(int32(0)), s.constant(int32(1))
	all := s.one("Range", nil, zero, s.one("Rank", nil, c.up[0]), one)
	return []tf.Output{{}, s.one("Sum", nil, c.up[0], all)}
}

func tileRefused(n *node) string {
	if dims(n.in[0]) == nil {
		return "unknown rank"
	}
	return ""
}

// tileGrad gives each axis an axis of copies before it and sums over these.
func tileGrad(s *scope, c *call) []tf.Output {
	x := c.in[0]
	d := dims(x)
	var shape tf.Output
	if times, ok := known(c.in[1]); ok && static(d) && len(times) == len(d) {
		var sizes []int64
		for i, n := range d {
			sizes = append(sizes, times[i], n)
		}
		shape = s.integers(sizes, tf.Int32)
	} else {
		pairs := s.one("Pack", attrs{"axis": int64(1)}, tf.OutputList{c.in[1], s.shapeAs(x, c.in[1].DataType())})
		shape = s.one("Reshape", nil, pairs, s.constant([]int32{-1}))
	}
	copies := make([]int64, len(d))
	for i := range copies {
		copies[i] = int64(2 * i)
	}
	return []tf.Output{s.sum(s.one("Reshape", nil, c.up[0], shape), copies, false), {}}
}

func rollGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{s.one("Roll", nil, c.up[0], s.neg(c.in[1]), c.in[2]), {}, {}}
}

func reverseGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{s.one("ReverseV2", nil, c.up[0], c.in[1]), {}}
}

// movedBack is the rule of a rearrangement that an operation with the same arguments
// undoes.
func movedBack(kind string) rule {
	return func(s *scope, c *call) []tf.Output {
		return []tf.Output{s.one(kind, nil, c.up[0], c.in[1], c.in[2]), {}, {}}
	}
}

func blockMovedBack(kind string) rule {
	return func(s *scope, c *call) []tf.Output {
		return []tf.Output{s.one(kind, s.attrs(c.op, "block_size", "data_format"), c.up[0])}
	}
}
