package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

func reshapeBack(s *scope, x, _, g tf.Output) tf.Output   { return s.ReshapeLike(g, x) }
func broadcastBack(s *scope, x, _, g tf.Output) tf.Output { return s.sumTo(g, x) }

func transposeGrad(s *scope, c *call) []tf.Output {
	perm := c.in[1]
	if p, ok := ops.Axes(perm, len(ops.Dims(c.out(0)))); ok {
		return []tf.Output{s.One("Transpose", nil, c.up[0], s.Integers(inverse(p), tf.Int32)), {}}
	}
	return []tf.Output{s.One("Transpose", nil, c.up[0], s.One("InvertPermutation", nil, perm)), {}}
}

// fillGrad sums over all axes, whose number is that of the elements of the shape.
func fillGrad(s *scope, c *call) []tf.Output {
	zero, one := s.Constant(int32(0)), s.Constant(int32(1))
	all := s.One("Range", nil, zero, s.One("Rank", nil, c.up[0]), one)
	return []tf.Output{{}, s.One("Sum", nil, c.up[0], all)}
}

func tileRefused(n *node) string {
	if ops.Dims(n.in[0]) == nil {
		return "unknown rank"
	}
	return ""
}

// tileGrad gives each axis an axis of copies before it and sums over these.
func tileGrad(s *scope, c *call) []tf.Output {
	x := c.in[0]
	d := ops.Dims(x)
	var shape tf.Output
	if times, ok := ops.Known(c.in[1]); ok && ops.Static(d) && len(times) == len(d) {
		var sizes []int64
		for i, n := range d {
			sizes = append(sizes, times[i], n)
		}
		shape = s.Integers(sizes, tf.Int32)
	} else {
		pairs := s.One("Pack", attrs{"axis": int64(1)}, tf.OutputList{c.in[1], s.ShapeAs(x, c.in[1].DataType())})
		shape = s.One("Reshape", nil, pairs, s.Constant([]int32{-1}))
	}
	copies := make([]int64, len(d))
	for i := range copies {
		copies[i] = int64(2 * i)
	}
	return []tf.Output{s.sum(s.One("Reshape", nil, c.up[0], shape), copies, false), {}}
}

func rollGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{s.One("Roll", nil, c.up[0], s.Neg(c.in[1]), c.in[2]), {}, {}}
}

func reverseGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{s.One("ReverseV2", nil, c.up[0], c.in[1]), {}}
}

// movedBack is the rule of a rearrangement that an operation with the same arguments
// undoes.
func movedBack(kind string) rule {
	return func(s *scope, c *call) []tf.Output {
		return []tf.Output{s.One(kind, nil, c.up[0], c.in[1], c.in[2]), {}, {}}
	}
}

func blockMovedBack(kind string) rule {
	return func(s *scope, c *call) []tf.Output {
		return []tf.Output{s.One(kind, s.AttrsOf(c.op, "block_size", "data_format"), c.up[0])}
	}
}

func reverseFlagsGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{s.One("Reverse", nil, c.up[0], c.in[1]), {}}
}

// blocksMovedBack is movedBack for the first versions, whose block is a square.
func blocksMovedBack(kind string) rule {
	return func(s *scope, c *call) []tf.Output {
		return []tf.Output{s.One(kind, s.AttrsOf(c.op, "block_size"), c.up[0], c.in[1]), {}}
	}
}
