package graphdef

import (
	"maps"

	"github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
)

// reshaped ops keep the order of the values, in which the calls come first anyway.
func reshaped(c *calls, n *Node) bool {
	l := c.onlyFirst(n)
	out := c.types.Shape(Tensor{n, 0})
	if l == nil || out == nil {
		return false
	}
	x, _ := c.either(l)
	if len(out) == 0 {
		c.asOwn(n, 0, c.reshape(n, x, l.dtype, []int64{c.n}))
	} else {
		c.asFirst(n, 0, c.reshape(n, x, l.dtype, c.times(out)))
	}
	return true
}

func transposed(c *calls, n *Node) bool {
	l := c.onlyFirst(n)
	perm, known := n.Inputs[1].Ints()
	if l == nil || !known || len(perm) == 0 {
		return false
	}
	if merge := perm[0] == 0 && l.inFirst.Node != nil; merge {
		c.as(n, true, c.with(n, c.merged(l)), 1)
		return true
	}
	c.as(n, false, c.made(n, c.split(l), c.vector(n, 1, append([]int64{0}, shifted(perm)...))), 1)
	return true
}

// vector is a constant vector of the type of the k-th input of a node.
func (c *calls) vector(n *Node, k int, values []int64) Tensor {
	return Tensor{c.named(n, shapeConst("", values, c.types.DType(n.Inputs[k]))), 0}
}

func concatenated(c *calls, n *Node) bool {
	last := len(n.Inputs) - 1
	axes, known := n.Inputs[last].Ints()
	out := c.types.Shape(Tensor{n, 0})
	if !known || out == nil || c.done[n.Inputs[last]] != nil {
		return false
	}
	inputs, merged := c.together(n, n.Inputs[:last])
	axis := positive(axes, len(out))
	if inputs == nil {
		return false
	}
	if merged && axis[0] == 0 {
		merged = false
		for i, in := range n.Inputs[:last] {
			inputs[i] = c.split(c.lift(n, in))
		}
	}
	if !merged {
		axis = shifted(axis)
	}
	c.as(n, merged, c.made(n, append(inputs, c.like(n, last, axis))...), 1)
	return true
}

// packed stacks tensors along a new axis, which may be the first of the result.
func packed(c *calls, n *Node) bool {
	out := c.types.Shape(Tensor{n, 0})
	if out == nil {
		return false
	}
	inputs := make([]Tensor, len(n.Inputs))
	for i, in := range n.Inputs {
		l := c.lift(n, in)
		if l == nil {
			return false
		}
		inputs[i] = c.split(l)
	}
	added := c.made(n, inputs...)
	added.Attr = maps.Clone(n.Attr)
	added.Attr["axis"] = intAttr(positive([]int64{n.Attr["axis"].GetI()}, len(out))[0] + 1)
	c.as(n, false, added, 1)
	return true
}

func unpacked(c *calls, n *Node) bool {
	l := c.onlyFirst(n)
	if l == nil {
		return false
	}
	added := c.made(n, c.split(l))
	added.Attr = maps.Clone(n.Attr)
	added.Attr["axis"] = intAttr(positive([]int64{n.Attr["axis"].GetI()}, len(l.shape))[0] + 1)
	c.as(n, false, added, outputCount(c.types, n))
	return true
}

// parted are Split(axis, value) and SplitV(value, sizes, axis).
func parted(c *calls, n *Node) bool {
	value, axisInput := 1, 0
	if n.Op == "SplitV" {
		value, axisInput = 0, 2
	}
	l := c.done[n.Inputs[value]]
	axes, known := n.Inputs[axisInput].Ints()
	if l == nil || l.shape == nil || !known {
		return false
	}
	axis := positive(axes, len(l.shape))
	merge := axis[0] != 0 && l.inFirst.Node != nil
	if !merge {
		axis = shifted(axis)
	}
	inputs := make([]Tensor, len(n.Inputs))
	for i, in := range n.Inputs {
		switch {
		case i == value:
			inputs[i] = c.splitOr(l, merge)
		case i == axisInput:
			inputs[i] = c.like(n, i, axis)
		case c.done[in] != nil:
			return false
		default:
			inputs[i] = c.fixed(in)
		}
	}
	c.as(n, merge, c.made(n, inputs...), outputCount(c.types, n))
	return true
}

// stridedSlice puts a slice that takes all calls in front.
func stridedSlice(c *calls, n *Node) bool {
	l := c.onlyFirst(n)
	if l == nil {
		return false
	}
	inputs := []Tensor{c.split(l)}
	for i, first := range []int64{0, 0, 1} {
		values, known := n.Inputs[i+1].Ints()
		if !known {
			return false
		}
		inputs = append(inputs, c.vector(n, i+1, append([]int64{first}, values...)))
	}
	added := c.made(n, inputs...)
	added.Attr = maps.Clone(n.Attr)
	for _, mask := range []string{"begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"} {
		bits := n.Attr[mask].GetI() << 1
		if mask == "begin_mask" || mask == "end_mask" {
			bits |= 1
		}
		added.Attr[mask] = intAttr(bits)
	}
	c.as(n, false, added, 1)
	return true
}

func slice(c *calls, n *Node) bool {
	l := c.onlyFirst(n)
	begin, known := n.Inputs[1].Ints()
	size, sized := n.Inputs[2].Ints()
	if l == nil || !known || !sized {
		return false
	}
	from := c.vector(n, 1, append([]int64{0}, begin...))
	count := c.vector(n, 2, append([]int64{-1}, size...))
	c.as(n, false, c.made(n, c.split(l), from, count), 1)
	return true
}

// padded tensors get no padding between calls: merged lanes only where the first axis has none.
func padded(c *calls, n *Node) bool {
	l := c.onlyFirst(n)
	paddings, known := n.Inputs[1].Ints()
	if l == nil || !known || len(paddings) != 2*len(l.shape) || len(l.shape) == 0 {
		return false
	}
	if paddings[0] == 0 && paddings[1] == 0 && l.inFirst.Node != nil {
		c.as(n, true, c.with(n, c.merged(l)), 1)
		return true
	}
	at := c.vector(n, 1, append([]int64{0, 0}, paddings...))
	rows := []*tensor_shape_go_proto.TensorShapeProto_Dim{{Size: int64(len(l.shape) + 1)}, {Size: 2}}
	at.Node.Attr["value"].GetTensor().TensorShape = &tensor_shape_go_proto.TensorShapeProto{Dim: rows}
	added := c.with(n, c.split(l))
	added.Inputs[1] = at
	c.as(n, false, added, 1)
	return true
}

func tiled(c *calls, n *Node) bool {
	l := c.onlyFirst(n)
	multiples, known := n.Inputs[1].Ints()
	if l == nil || !known {
		return false
	}
	c.as(n, false, c.made(n, c.split(l), c.vector(n, 1, append([]int64{1}, multiples...))), 1)
	return true
}

func broadcastTo(c *calls, n *Node) bool {
	l := c.onlyFirst(n)
	out := c.types.Shape(Tensor{n, 0})
	if l == nil || out == nil {
		return false
	}
	c.as(n, false, c.made(n, c.aligned(n, l, len(out)), c.vector(n, 1, c.before(out))), 1)
	return true
}

// gathered takes what the same positions say from all calls, or what each call's positions say from the same values.
func gathered(c *calls, n *Node) bool {
	if n.Attr["batch_dims"].GetI() != 0 || c.done[n.Inputs[2]] != nil {
		return false
	}
	axes, known := n.Inputs[2].Ints()
	values, positions := c.done[n.Inputs[0]], c.done[n.Inputs[1]]
	switch {
	case !known || values != nil && positions != nil:
		return false
	case values != nil:
		axis := shifted(positive(axes, len(values.shape)))
		c.as(n, false, c.made(n, c.split(values), c.fixed(n.Inputs[1]), c.like(n, 2, axis)), 1)
		return true
	case axes[0] == 0:
		c.as(n, false, c.made(n, c.fixed(n.Inputs[0]), c.split(positions), c.fixed(n.Inputs[2])), 1)
		return true
	}
	return false
}
