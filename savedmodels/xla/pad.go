package xla

import (
	"errors"
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	"upi/savedmodels/graphdef"
)

// pad writes XlaPad: a value between the elements, and then before and after them; a negative number of them cuts off.
func pad(b *builder, n *graphdef.Node) (tensor, error) {
	var numbers [3][]int64
	for i, what := range []string{"padding_low", "padding_high", "padding_interior"} {
		var err error
		if numbers[i], err = b.constants(i+2, what); err != nil {
			return tensor{}, err
		}
	}
	low, high, interior := numbers[0], numbers[1], numbers[2]
	if rank := len(b.infer.Shape(n.Inputs[0])); len(low) != rank || len(high) != rank || len(interior) != rank {
		return tensor{}, errors.New("its paddings do not fit its operand")
	}
	x, t := n.Inputs[0], n.Attr["T"].GetType()
	if len(low) == 0 {
		return x, nil
	}
	if slices.Max(interior) > 0 {
		steps := make([]int64, len(interior))
		high = slices.Clone(high)
		for i, between := range interior {
			steps[i] = between + 1
			high[i] -= between
		}
		var err error
		if x, err = b.spread(x, t, steps, n.Inputs[1]); err != nil {
			return tensor{}, err
		}
	}
	return b.pad(x, t, low, high, &n.Inputs[1])
}

// pad puts a value, 0 if there is none, around x, or cuts its ends off where a number is negative.
func (b *builder) pad(x tensor, t types_go_proto.DataType, low, high []int64, value *tensor) (tensor, error) {
	for i, size := range b.infer.Shape(x) {
		if (low[i] != 0 || high[i] != 0) && b.follows(size) {
			return tensor{}, errBatch
		}
	}
	if slices.Min(low) < 0 || slices.Min(high) < 0 {
		shape, err := b.shape(x)
		if err != nil {
			return tensor{}, err
		}
		begin, size := make([]int64, len(low)), make([]int64, len(low))
		for i := range low {
			begin[i], size[i] = max(0, -low[i]), -1
			if high[i] < 0 {
				if size[i] = shape[i] + high[i] - begin[i]; size[i] < 0 {
					return tensor{}, errors.New("it cuts more off than there is")
				}
			}
		}
		x = b.slice(x, t, b.ints(begin...), b.ints(size...))
	}
	pads := []int64{}
	for i := range low {
		pads = append(pads, max(0, low[i]), max(0, high[i]))
	}
	if len(pads) == 0 || slices.Max(pads) == 0 {
		return x, nil
	}
	if value == nil {
		zero := b.float(0, t)
		value = &zero
	}
	return b.padded(x, t, pads, *value), nil
}

func (b *builder) slice(x tensor, t types_go_proto.DataType, begin, size tensor) tensor {
	return b.op("Slice", attrs{"T": typeAttr(t), "Index": typeAttr(types_go_proto.DataType_DT_INT32)}, x, begin, size)
}
