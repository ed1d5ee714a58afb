package xla

import (
	"errors"
	"fmt"
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	"upi/savedmodels/graphdef"
)

// gather writes XlaGather in the two forms that indexing takes: one slice at a constant place, and what stands at the indices
// of some axes. XLA moves an index that is out of range to the nearest one within.
func gather(b *builder, n *graphdef.Node) (tensor, error) {
	f, err := fields(n.Attr["dimension_numbers"].GetS())
	if err != nil {
		return tensor{}, err
	}
	offset, collapsed, starts, vector := f[1], f[2], f[3], one(f[4])
	if len(f[5])+len(f[6]) > 0 {
		return tensor{}, errors.New("it has batch axes")
	}
	sizes, err := b.constants(2, "slice_sizes")
	if err != nil {
		return tensor{}, err
	}
	shape, err := b.shape(n.Inputs[0])
	if err != nil {
		return tensor{}, err
	}
	indices, err := b.shape(n.Inputs[1])
	if err != nil {
		return tensor{}, err
	}
	outside := func(axis int64) bool { return axis < 0 || int(axis) >= len(shape) }
	if len(sizes) != len(shape) || int(vector) < len(indices)-1 ||
		slices.ContainsFunc(starts, outside) || slices.ContainsFunc(collapsed, outside) {
		return tensor{}, errors.New("its dimension numbers do not fit its operands")
	}
	t := n.Attr["T"].GetType()
	if len(indices)-1 == int(vector) && len(indices) == 1 {
		return b.sliceAt(n, t, shape, sizes, starts, collapsed)
	}
	for i, size := range sizes {
		indexed := slices.Contains(starts, int64(i))
		if indexed != slices.Contains(collapsed, int64(i)) || indexed && size != 1 || !indexed && size != shape[i] {
			return tensor{}, errors.New("it takes parts of rows at several places")
		}
		if indexed && b.follows(shape[i]) {
			return tensor{}, errBatch
		}
	}
	if len(starts) == 0 || int(vector) == len(indices) && len(starts) != 1 {
		return tensor{}, errors.New("its dimension numbers do not fit its operands")
	}
	y, first := b.rows(n, t, shape, starts, int(vector) < len(indices))
	// The axes of the indices stand at first, all others in their order; XLA says in offset where these go.
	count := int64(min(int(vector), len(indices)))
	var rows, rest []int64
	for i := range int64(len(shape)-len(starts)) + count {
		if i >= first && i < first+count {
			rows = append(rows, i)
		} else {
			rest = append(rest, i)
		}
	}
	place := make([]int64, 0, len(rows)+len(rest))
	for i := range int64(len(rows) + len(rest)) {
		if slices.Contains(offset, i) && len(rest) > 0 {
			place, rest = append(place, rest[0]), rest[1:]
		} else if len(rows) > 0 {
			place, rows = append(place, rows[0]), rows[1:]
		}
	}
	if len(rows)+len(rest) > 0 {
		return tensor{}, errors.New("its dimension numbers do not fit its operands")
	}
	return b.transpose(y, t, place), nil
}

// rows takes what stands at the indices of some axes, starts. In the result the axes of the indices stand from the given one
// on, in place of those. vectors says that the last axis of the indices runs over starts.
func (b *builder) rows(n *graphdef.Node, t types_go_proto.DataType, shape, starts []int64, vectors bool) (y tensor, first int64) {
	x, at := n.Inputs[0], n.Inputs[1]
	index := n.Attr["Tindices"].GetType()
	most := make([]int64, len(starts))
	for i, axis := range starts {
		most[i] = shape[axis] - 1
	}
	within := func(limits tensor) tensor {
		least := b.cast(b.scalar(0), types_go_proto.DataType_DT_INT32, index)
		return b.typed("Minimum", index, b.typed("Maximum", index, least, at), b.cast(limits, types_go_proto.DataType_DT_INT32, index))
	}
	if len(starts) == 1 {
		if vectors {
			at = b.op("Squeeze", attrs{"T": typeAttr(index), "squeeze_dims": listAttr([]int64{-1})}, at)
		}
		a := attrs{
			"Tparams": typeAttr(t), "Tindices": typeAttr(index), "Taxis": typeAttr(types_go_proto.DataType_DT_INT32),
			"batch_dims": intAttr(0),
		}
		return b.op("GatherV2", a, x, within(b.scalar(most[0])), b.scalar(starts[0])), starts[0]
	}
	order := slices.Clone(starts)
	for i := range int64(len(shape)) {
		if !slices.Contains(starts, i) {
			order = append(order, i)
		}
	}
	a := attrs{"Tparams": typeAttr(t), "Tindices": typeAttr(index)}
	return b.op("GatherNd", a, b.transpose(x, t, order), within(b.ints(most...))), 0
}

// sliceAt takes one slice, at constant indices.
func (b *builder) sliceAt(n *graphdef.Node, t types_go_proto.DataType, shape, sizes, starts, collapsed []int64) (tensor, error) {
	at, err := b.constants(1, "start_indices")
	if err != nil {
		return tensor{}, err
	}
	begin := make([]int64, len(shape))
	for i, axis := range starts {
		if i >= len(at) {
			return tensor{}, errors.New("its dimension numbers do not fit its operands")
		}
		begin[axis] = at[i]
	}
	size := slices.Clone(sizes)
	for i := range begin {
		if size[i] > shape[i] {
			return tensor{}, fmt.Errorf("a slice of %d from an axis of %d", size[i], shape[i])
		}
		if b.follows(shape[i]) && size[i] != shape[i] {
			return tensor{}, errBatch
		}
		begin[i] = max(0, min(begin[i], shape[i]-size[i]))
		if begin[i] == shape[i]-size[i] {
			size[i] = -1 // to the end, however many images there are
		}
	}
	y := b.slice(n.Inputs[0], t, b.ints(begin...), b.ints(size...))
	if len(collapsed) == 0 {
		return y, nil
	}
	return b.op("Squeeze", attrs{"T": typeAttr(t), "squeeze_dims": listAttr(collapsed)}, y), nil
}

// dynamicSlice writes XlaDynamicSlice for constant places, with the same rule for what is out of range.
func dynamicSlice(b *builder, n *graphdef.Node) (tensor, error) {
	sizes, err := b.constants(2, "size_indices")
	if err != nil {
		return tensor{}, err
	}
	shape, err := b.shape(n.Inputs[0])
	if err != nil {
		return tensor{}, err
	}
	if len(sizes) != len(shape) {
		return tensor{}, errors.New("its sizes do not fit its operand")
	}
	starts := make([]int64, len(shape))
	for i := range starts {
		starts[i] = int64(i)
	}
	return b.sliceAt(n, n.Attr["T"].GetType(), shape, sizes, starts, nil)
}
