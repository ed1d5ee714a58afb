package xla

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	"upi/savedmodels/graphdef"
	"upi/savedmodels/tensors"
)

// reductions are TensorFlow's over axes, by the op that joins two elements.
var reductions = map[string]string{
	"AddV2": "Sum", "Add": "Sum", "Mul": "Prod", "Maximum": "Max", "Minimum": "Min", "LogicalAnd": "All", "LogicalOr": "Any",
}

// joins is the op of a reducer's body, as its attribute names it.
func (b *builder) joins(n *graphdef.Node, attr string) (string, error) {
	name := n.Attr[attr].GetFunc().GetName()
	op, ok := b.model.BinaryOp(name)
	if _, known := reductions[op]; !ok || !known {
		return "", fmt.Errorf("its reducer %q is no sum, product, maximum or minimum of two", name)
	}
	return op, nil
}

func reduce(b *builder, n *graphdef.Node) (tensor, error) {
	return b.reduce(n, n.Attr["T"].GetType())
}

// variadicReduce is reduce over several tensors at once, of which jax uses one but for argmax and the like.
func variadicReduce(b *builder, n *graphdef.Node) (tensor, error) {
	if len(n.Inputs) != 2 {
		return tensor{}, errors.New("it reduces several tensors at once")
	}
	t := n.Attr["T"].GetType()
	if list := n.Attr["T"].GetList().GetType(); len(list) == 1 {
		t = list[0]
	}
	return b.reduce(n, t)
}

func (b *builder) reduce(n *graphdef.Node, t types_go_proto.DataType) (tensor, error) {
	op, err := b.joins(n, "reducer")
	if err != nil {
		return tensor{}, err
	}
	a := attrs{"Tidx": typeAttr(types_go_proto.DataType_DT_INT32), "keep_dims": boolAttr(false)}
	logical := op == "LogicalAnd" || op == "LogicalOr"
	if !logical {
		a["T"] = typeAttr(t)
	}
	y := b.op(reductions[op], a, n.Inputs[0], b.ints(n.Attr["dimensions_to_reduce"].GetList().GetI()...))
	if logical {
		return b.op(op, nil, y, n.Inputs[1]), nil
	}
	return b.typed(op, t, y, n.Inputs[1]), nil // with the initial value, which changes nothing as a rule
}

// reduceWindow writes a sum or a maximum over windows as pooling over one axis or two.
func reduceWindow(b *builder, n *graphdef.Node) (tensor, error) {
	op, err := b.joins(n, "computation")
	if err != nil {
		return tensor{}, err
	}
	var numbers [5][]int64
	for i, what := range []string{"window_dimensions", "window_strides", "base_dilations", "window_dilations", "padding"} {
		if numbers[i], err = b.constants(i+2, what); err != nil {
			return tensor{}, err
		}
	}
	rank := len(numbers[0])
	if rank == 0 || rank != len(b.infer.Shape(n.Inputs[0])) || len(numbers[1]) != rank || len(numbers[4]) != 2*rank ||
		slices.ContainsFunc(slices.Concat(numbers[0], numbers[1], numbers[2], numbers[3]), below1) {
		return tensor{}, errors.New("its window does not fit its operand")
	}
	if slices.Max(append(slices.Clone(numbers[2]), numbers[3]...)) > 1 {
		return tensor{}, errors.New("it has a dilation, which TensorFlow's pooling has not")
	}
	t := n.Attr["T"].GetType()
	if !slices.Contains([]types_go_proto.DataType{types_go_proto.DataType_DT_FLOAT, types_go_proto.DataType_DT_DOUBLE,
		types_go_proto.DataType_DT_HALF, types_go_proto.DataType_DT_BFLOAT16}, t) {
		return tensor{}, errors.New("it is over numbers that are not of a floating type")
	}
	w := window{size: numbers[0], stride: numbers[1]}
	for i := range rank {
		w.low, w.high = append(w.low, numbers[4][2*i]), append(w.high, numbers[4][2*i+1])
	}
	x := n.Inputs[0]
	var y tensor
	switch op {
	case "Maximum":
		y, err = b.pool(x, t, w, "MaxPool", math.Inf(-1))
	case "Minimum":
		if y, err = b.pool(b.typed("Neg", t, x), t, w, "MaxPool", math.Inf(-1)); err == nil {
			y = b.typed("Neg", t, y)
		}
	case "AddV2", "Add":
		y, err = b.pool(x, t, w, "AvgPool", 0)
		if err == nil {
			y = b.typed("Mul", t, y, b.float(float32(tensors.Elements(w.size)), t))
		}
	default:
		err = fmt.Errorf("TensorFlow has no %s over windows", reductions[op])
	}
	if err != nil {
		return tensor{}, err
	}
	return b.typed(op, t, y, n.Inputs[1]), nil
}

// pool pads x with a value and pools it with a window over one axis or two.
func (b *builder) pool(x tensor, t types_go_proto.DataType, w window, kind string, outside float64) (tensor, error) {
	value := b.float(float32(outside), t)
	x, err := b.pad(x, t, w.low, w.high, &value)
	if err != nil {
		return tensor{}, err
	}
	shape, err := b.shape(x)
	if err != nil {
		return tensor{}, err
	}
	var over, rest []int64
	for i := range shape {
		if w.size[i] > 1 || w.stride[i] > 1 {
			if b.follows(shape[i]) {
				return tensor{}, errBatch
			}
			over = append(over, int64(i))
		} else {
			rest = append(rest, int64(i))
		}
	}
	switch len(over) {
	case 0:
		return x, nil
	case 1, 2:
	default:
		return tensor{}, errors.New("its window is over more than two axes")
	}
	size, stride := make([]int64, 0, 4), make([]int64, 0, 4)
	for _, axis := range over {
		size, stride = append(size, w.size[axis]), append(stride, w.stride[axis])
	}
	if len(over) == 1 {
		size, stride = append([]int64{1}, size...), append([]int64{1}, stride...)
	}
	pooled := func(x tensor) tensor {
		return b.op(kind, attrs{
			"T": typeAttr(t), "ksize": listAttr(slices.Concat([]int64{1}, size, []int64{1})),
			"strides": listAttr(slices.Concat([]int64{1}, stride, []int64{1})), "padding": stringAttr("VALID"),
			"data_format": stringAttr("NHWC"),
		}, x)
	}
	if len(rest) == 2 && len(over) == 2 {
		order := slices.Concat(rest[:1], over, rest[1:])
		return b.transpose(pooled(b.transpose(x, t, order)), t, inverse(order)), nil
	}
	// All axes that the window does not see are one, of images of one channel.
	order := slices.Concat(rest, over)
	images, result := []int64{1}, []int64{}
	for _, axis := range rest {
		images[0] *= shape[axis]
		result = append(result, shape[axis])
	}
	if len(over) == 1 {
		images = append(images, 1)
	}
	for _, axis := range over {
		images = append(images, shape[axis])
		result = append(result, (shape[axis]-w.size[axis])/w.stride[axis]+1)
	}
	x = b.reshape(b.transpose(x, t, order), t, b.open(append(images, 1)))
	return b.transpose(b.reshape(pooled(x), t, b.open(result)), t, inverse(order)), nil
}

// inverse is the permutation that undoes p.
func inverse(p []int64) []int64 {
	q := make([]int64, len(p))
	for i, v := range p {
		q[v] = int64(i)
	}
	return q
}
