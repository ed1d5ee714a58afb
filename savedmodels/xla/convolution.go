package xla

import (
	"errors"
	"fmt"
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	"google.golang.org/protobuf/encoding/protowire"

	"upi/savedmodels/graphdef"
)

// operands are the two operands of a product or a convolution in the type of its result.
func (b *builder) operands(n *graphdef.Node, x, y tensor) (tensor, tensor, types_go_proto.DataType) {
	left, right := n.Attr["LhsT"].GetType(), n.Attr["RhsT"].GetType()
	if t := n.Attr["T"].GetType(); t != 0 { // the first version has one type for all
		return x, y, t
	}
	t := n.Attr["preferred_element_type"].GetType()
	if t == 0 {
		t = left
	}
	return b.cast(x, left, t), b.cast(y, right, t), t
}

func below1(v int64) bool { return v < 1 }

// A window is what a convolution or a reduction sees of each spatial axis.
type window struct {
	size, stride, dilation, low, high []int64
}

// convolution writes XLA's convolution as Conv2D, or Conv3D: axes in TensorFlow's order, zeros between the elements of the
// left operand for a transposed convolution, then the padding.
func convolution(b *builder, n *graphdef.Node) (tensor, error) {
	f, err := fields(n.Attr["dimension_numbers"].GetS())
	if err != nil {
		return tensor{}, err
	}
	var numbers [5][]int64
	for i, what := range []string{"window_strides", "padding", "lhs_dilation", "rhs_dilation", "feature_group_count"} {
		if numbers[i], err = b.constants(i+2, what); err != nil {
			return tensor{}, err
		}
		perAxis := what != "feature_group_count" && what != "padding"
		if perAxis && (len(numbers[i]) != len(numbers[0]) || slices.ContainsFunc(numbers[i], below1)) {
			return tensor{}, fmt.Errorf("its %s do not fit", what)
		}
	}
	spatial := len(numbers[0])
	if len(f[11]) != spatial || len(f[6]) != spatial || len(f[12]) != spatial || len(numbers[1]) != 2*spatial {
		return tensor{}, errors.New("its dimension numbers do not fit its operands")
	}
	if spatial < 1 || spatial > 3 {
		return tensor{}, errors.New("it is over other than 1 to 3 axes")
	}
	if count := n.Attr["batch_group_count"].GetI(); count > 1 {
		return tensor{}, errors.New("it has groups of the batch")
	}
	x, filter, t := b.operands(n, n.Inputs[0], n.Inputs[1])
	if len(b.infer.Shape(x)) != spatial+2 || len(b.infer.Shape(filter)) != spatial+2 || !places(f, spatial) {
		return tensor{}, errors.New("its dimension numbers do not fit its operands")
	}
	x = b.transpose(x, t, slices.Concat([]int64{one(f[7])}, f[11], []int64{one(f[8])}))
	filter = b.transpose(filter, t, slices.Concat(f[6], []int64{one(f[3]), one(f[4])}))
	w := window{stride: numbers[0], dilation: numbers[3]}
	for i := range spatial {
		w.low, w.high = append(w.low, numbers[1][2*i]), append(w.high, numbers[1][2*i+1])
	}
	if slices.Max(numbers[2]) > 1 {
		// What follows the last element of an axis is padding, if there is any.
		if x, err = b.spread(x, t, slices.Concat([]int64{1}, numbers[2], []int64{1}), b.float(0, t)); err != nil {
			return tensor{}, err
		}
		for i, d := range numbers[2] {
			w.high[i] -= d - 1
		}
	}
	if spatial == 1 {
		x, filter = b.expand(x, t, 1), b.expand(filter, t, 0)
		w.low, w.high = append([]int64{0}, w.low...), append([]int64{0}, w.high...)
		w.stride, w.dilation = append([]int64{1}, w.stride...), append([]int64{1}, w.dilation...)
	}
	y, err := b.convolve(x, filter, t, w, one(numbers[4]))
	if err != nil {
		return tensor{}, err
	}
	if spatial == 1 {
		y = b.op("Squeeze", attrs{"T": typeAttr(t), "squeeze_dims": listAttr([]int64{1})}, y)
	}
	place := make([]int64, spatial+2)
	place[one(f[9])], place[one(f[10])] = 0, int64(spatial+1)
	for i, axis := range f[12] {
		place[axis] = int64(i + 1)
	}
	return b.transpose(y, t, place), nil
}

// places reports whether the dimension numbers of a convolution name each axis of its operands and its result once.
func places(f map[protowire.Number][]int64, spatial int) bool {
	for _, axes := range [][]int64{
		slices.Concat([]int64{one(f[7])}, f[11], []int64{one(f[8])}),
		slices.Concat([]int64{one(f[3])}, f[6], []int64{one(f[4])}),
		slices.Concat([]int64{one(f[9])}, f[12], []int64{one(f[10])}),
	} {
		slices.Sort(axes)
		for i, axis := range axes {
			if len(axes) != spatial+2 || axis != int64(i) {
				return false
			}
		}
	}
	return true
}

func (b *builder) expand(x tensor, t types_go_proto.DataType, axis int64) tensor {
	return b.op("ExpandDims", attrs{"T": typeAttr(t), "Tdim": typeAttr(types_go_proto.DataType_DT_INT32)}, x, b.scalar(axis))
}

// convolve convolves x, [N, spatial..., C], with a filter [spatial..., C/groups, K].
func (b *builder) convolve(x, filter tensor, t types_go_proto.DataType, w window, groups int64) (tensor, error) {
	around := func(of []int64) []int64 { return slices.Concat([]int64{1}, of, []int64{1}) }
	kind, format := "Conv2D", "NHWC"
	if len(w.stride) == 3 {
		kind, format = "Conv3D", "NDHWC"
		if groups > 1 || slices.Max(w.dilation) > 1 {
			return tensor{}, errors.New("TensorFlow has no convolution of volumes with groups or a dilation on the CPU")
		}
	}
	shape, err := b.shape(filter)
	if err != nil {
		return tensor{}, err
	}
	padding := "SAME"
	if !b.likeSame(x, shape, w) {
		padding = "VALID"
		if x, err = b.pad(x, t, around0(w.low), around0(w.high), nil); err != nil {
			return tensor{}, err
		}
	}
	a := attrs{
		"T": typeAttr(t), "strides": listAttr(around(w.stride)), "padding": stringAttr(padding), "data_format": stringAttr(format),
		"dilations": listAttr(around(w.dilation)),
	}
	single := kind == "Conv2D" && groups > 1 && shape[2] == 1
	if single && w.stride[0] == w.stride[1] && slices.Max(w.dilation) == 1 {
		depthwise := b.reshape(filter, t, []int64{shape[0], shape[1], groups, shape[3] / groups})
		return b.op("DepthwiseConv2dNative", a, x, depthwise), nil
	}
	return b.op(kind, a, x, filter), nil
}

// likeSame reports whether a convolution has the padding that TensorFlow calls SAME, which it needs no copy of x for.
func (b *builder) likeSame(x tensor, filter []int64, w window) bool {
	shape, err := b.shape(x)
	if err != nil {
		return false
	}
	for i, stride := range w.stride {
		n, reach := shape[i+1], (filter[i]-1)*w.dilation[i]+1
		total := max(0, ((n+stride-1)/stride-1)*stride+reach-n)
		if w.low[i] != total/2 || w.high[i] != total-total/2 {
			return false
		}
	}
	return true
}

func around0(v []int64) []int64 { return slices.Concat([]int64{0}, v, []int64{0}) }

// spread puts steps[i]-1 copies of a value after each element of axis i, the last one too.
func (b *builder) spread(x tensor, t types_go_proto.DataType, steps []int64, value tensor) (tensor, error) {
	shape, err := b.shape(x)
	if err != nil {
		return tensor{}, err
	}
	wide := slices.Clone(shape)
	apart, pads := []int64{}, []int64{}
	for i, step := range steps {
		apart, pads = append(apart, shape[i]), append(pads, 0, 0)
		if step > 1 {
			apart, pads = append(apart, 1), append(pads, 0, step-1)
			wide[i] *= step
		}
	}
	if len(apart) > 8 {
		return tensor{}, errors.New("it has too many axes with elements to be put apart")
	}
	x = b.reshape(x, t, b.open(apart))
	x = b.padded(x, t, pads, value)
	return b.reshape(x, t, b.open(wide)), nil
}

// padded adds PadV2; pads has a pair per axis.
func (b *builder) padded(x tensor, t types_go_proto.DataType, pads []int64, value tensor) tensor {
	a := attrs{"T": typeAttr(t), "Tpaddings": typeAttr(types_go_proto.DataType_DT_INT32)}
	return b.op("PadV2", a, x, b.matrix(pads, int64(len(pads)/2), 2), value)
}
