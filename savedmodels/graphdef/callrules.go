package graphdef

import (
	"slices"
	"strings"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// callRule writes an op for all calls at once. It is false where it cannot, having added nothing that counts.
type callRule func(c *calls, n *Node) bool

// callRules are written op by op: what each axis means is the op's own affair. An op that is missing here is repeated.
var callRules = func() map[string]callRule {
	rules := map[string]callRule{}
	for _, list := range []struct {
		ops  string
		rule callRule
	}{
		{`Relu Relu6 LeakyRelu Elu Selu Softplus Softsign Sigmoid Tanh Erf Erfc Erfinv Abs Neg Sign Square Sqrt Rsqrt Reciprocal Inv
			Exp Expm1 Log Log1p Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Floor Ceil Round Rint Cast StopGradient ZerosLike
			OnesLike LogicalNot IsNan IsInf IsFinite Lgamma Digamma FakeQuantWithMinMaxArgs`, elementwise},
		{`Add AddV2 Sub Mul Div RealDiv FloorDiv TruncateDiv FloorMod Maximum Minimum Pow SquaredDifference DivNoNan MulNoNan Xdivy
			Xlogy Xlog1py Atan2 Equal NotEqual Less LessEqual Greater GreaterEqual LogicalAnd LogicalOr SelectV2`, broadcasting},
		{`AddN Select`, alike},
		{`Conv2D DepthwiseConv2dNative Conv3D MaxPool AvgPool MaxPool3D AvgPool3D BiasAdd LRN ResizeBilinear ResizeNearestNeighbor
			ResizeBicubic ResizeArea SpaceToDepth DepthToSpace ExtractImagePatches Dilation2D RGBToHSV HSVToRGB AdjustContrastv2
			AdjustHue AdjustSaturation FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel`, alongFirst},
		{`FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3`, inferenceNorm},
		{`Conv2DBackpropInput DepthwiseConv2dNativeBackpropInput`, transposedConvolution},
		{`Softmax LogSoftmax TopKV2 FFT FFT2D IFFT IFFT2D RFFT RFFT2D IRFFT IRFFT2D MatrixDiagV3 MatrixDiag MatrixBandPart`, lastAxes},
		{`MatMul BatchMatMul BatchMatMulV2`, matrixProduct},
		{`Sum Mean Max Min Prod All Any EuclideanNorm ArgMax ArgMin Cumsum Cumprod ReverseV2`, overAxes},
		{`Reshape Squeeze ExpandDims`, reshaped},
		{`Transpose`, transposed},
		{`ConcatV2`, concatenated}, {`Pack`, packed}, {`Unpack`, unpacked}, {`Split SplitV`, parted},
		{`StridedSlice`, stridedSlice}, {`Slice`, slice}, {`Pad PadV2 MirrorPad`, padded}, {`Tile`, tiled}, {`BroadcastTo`, broadcastTo},
		{`GatherV2`, gathered}, {`Einsum`, einsum},
	} {
		for _, op := range strings.Fields(list.ops) {
			rules[op] = list.rule
		}
	}
	return rules
}()

func elementwise(c *calls, n *Node) bool {
	if len(n.Inputs) != 1 {
		return false
	}
	x, merged := c.either(c.done[n.Inputs[0]])
	c.as(n, merged, c.made(n, x), 1)
	return true
}

// as says that the first outputs of a new node are those of n, merged or split.
func (c *calls) as(n *Node, merged bool, added *Node, outputs int) {
	for k := range outputs {
		if merged {
			c.asFirst(n, k, Tensor{added, k})
		} else {
			c.asOwn(n, k, Tensor{added, k})
		}
	}
}

// lanes are those of a node's inputs (nil: the same in all calls) and the number of axes of each, false if one is not known.
func (c *calls) lanes(n *Node) (lanes []*lane, shapes [][]int64, ok bool) {
	for _, in := range n.Inputs {
		shape := c.types.Shape(in)
		if shape == nil {
			return nil, nil, false
		}
		lanes = append(lanes, c.done[in])
		shapes = append(shapes, shape)
	}
	return lanes, shapes, true
}

// broadcasting ops work on merged lanes that are all of one rank, and equally long, if no other operand has a first axis to speak
// of.
func broadcasting(c *calls, n *Node) bool {
	lanes, shapes, ok := c.lanes(n)
	out := c.types.Shape(Tensor{n, 0})
	if !ok || out == nil {
		return false
	}
	rank, merge := len(out), len(out) > 0
	for i, l := range lanes {
		same := len(shapes[i]) < rank || shapes[i][0] == 1
		if l != nil {
			same = len(shapes[i]) == rank && rank > 0 && shapes[i][0] == out[0]
		}
		merge = merge && same
	}
	inputs := make([]Tensor, len(lanes))
	for i, l := range lanes {
		switch {
		case l == nil:
			inputs[i] = c.fixed(n.Inputs[i])
		case merge:
			inputs[i] = c.merged(l)
		default:
			inputs[i] = c.aligned(n, l, rank)
		}
	}
	c.as(n, merge, c.made(n, inputs...), 1)
	return true
}

// aligned is a split lane with axes of one between that of the calls and its own, so that it broadcasts as one of a given rank.
func (c *calls) aligned(n *Node, l *lane, rank int) Tensor {
	missing := rank - len(l.shape)
	if missing <= 0 {
		return c.split(l)
	}
	shape := append([]int64{c.n}, slices.Repeat([]int64{1}, missing)...)
	x, _ := c.either(l)
	return c.reshape(n, x, l.dtype, append(shape, l.shape...))
}

// alike ops take tensors of one shape.
func alike(c *calls, n *Node) bool {
	_, shapes, ok := c.lanes(n)
	if !ok || slices.ContainsFunc(shapes, func(s []int64) bool { return !slices.Equal(s, shapes[len(shapes)-1]) }) {
		return false
	}
	inputs, merged := c.together(n, n.Inputs)
	if inputs == nil {
		return false
	}
	c.as(n, merged, c.made(n, inputs...), 1)
	return true
}

// together brings tensors into one form, merged if all are.
func (c *calls) together(n *Node, tensors []Tensor) (inputs []Tensor, merged bool) {
	lanes := make([]*lane, len(tensors))
	merged = true
	for i, t := range tensors {
		if lanes[i] = c.lift(n, t); lanes[i] == nil {
			return nil, false
		}
		merged = merged && lanes[i].inFirst.Node != nil
	}
	for _, l := range lanes {
		if merged {
			inputs = append(inputs, c.merged(l))
		} else {
			inputs = append(inputs, c.split(l))
		}
	}
	return inputs, merged
}

// onlyFirst is the lane of the first input of a node whose other inputs are the same in all calls.
func (c *calls) onlyFirst(n *Node) *lane {
	for _, in := range n.Inputs[1:] {
		if c.done[in] != nil {
			return nil
		}
	}
	l := c.done[n.Inputs[0]]
	if l == nil || l.shape == nil {
		return nil
	}
	return l
}

// with adds n on another first input.
func (c *calls) with(n *Node, x Tensor) *Node {
	inputs := []Tensor{x}
	for _, in := range n.Inputs[1:] {
		inputs = append(inputs, c.fixed(in))
	}
	return c.made(n, inputs...)
}

// alongFirst ops treat what lies along the first axis of their first input one by one.
func alongFirst(c *calls, n *Node) bool {
	l := c.onlyFirst(n)
	if l == nil || len(l.shape) < 2 || strings.HasPrefix(n.Op, "Adjust") && len(l.shape) < 4 {
		return false
	}
	c.as(n, true, c.with(n, c.merged(l)), outputCount(c.types, n))
	return true
}

func inferenceNorm(c *calls, n *Node) bool {
	if training := n.Attr["is_training"]; training == nil || training.GetB() {
		return false
	}
	l := c.onlyFirst(n)
	if l == nil || len(l.shape) < 4 {
		return false
	}
	added := c.with(n, c.merged(l))
	c.asFirst(n, 0, Tensor{added, 0})
	return true
}

// transposedConvolution takes the shape of its result and the filter beside the image.
func transposedConvolution(c *calls, n *Node) bool {
	out := c.types.Shape(Tensor{n, 0})
	if len(n.Inputs) != 3 || out == nil || c.done[n.Inputs[0]] != nil || c.done[n.Inputs[1]] != nil {
		return false
	}
	added := c.made(n, c.ints(n, c.times(out)), c.fixed(n.Inputs[1]), c.merged(c.done[n.Inputs[2]]))
	c.asFirst(n, 0, Tensor{added, 0})
	return true
}

// lastAxes ops work on the last axes, whatever is before them.
func lastAxes(c *calls, n *Node) bool {
	l := c.onlyFirst(n)
	if l == nil {
		return false
	}
	c.as(n, false, c.with(n, c.split(l)), outputCount(c.types, n))
	return true
}

func outputCount(types Types, n *Node) int {
	count := 0
	for count < 1<<16 && types.DType(Tensor{n, count}) != types_go_proto.DataType_DT_INVALID {
		count++
	}
	return count
}

// axesOf are the constant axes of an op's second input, counted from 0.
func axesOf(n *Node, rank int) ([]int64, bool) {
	if len(n.Inputs) != 2 {
		return nil, false
	}
	axes, known := n.Inputs[1].Ints()
	return positive(axes, rank), known
}

func positive(axes []int64, rank int) []int64 {
	out := slices.Clone(axes)
	for i, a := range out {
		if a < 0 {
			out[i] += int64(rank)
		}
	}
	return out
}

func shifted(axes []int64) []int64 {
	out := slices.Clone(axes)
	for i := range out {
		out[i]++
	}
	return out
}

// overAxes ops work along the axes that their second input names. Without the first among them, the calls may lie along it.
func overAxes(c *calls, n *Node) bool {
	l := c.onlyFirst(n)
	if l == nil {
		return false
	}
	axes, known := axesOf(n, len(l.shape))
	if !known {
		return false
	}
	merge := l.inFirst.Node != nil && !slices.Contains(axes, 0)
	x := c.splitOr(l, merge)
	if !merge {
		axes = shifted(axes)
	}
	at := c.like(n, 1, axes)
	c.as(n, merge, c.made(n, x, at), 1)
	return true
}

func (c *calls) splitOr(l *lane, merge bool) Tensor {
	if merge {
		return c.merged(l)
	}
	return c.split(l)
}

// like is a constant of the type and rank of the k-th input of a node.
func (c *calls) like(n *Node, k int, values []int64) Tensor {
	was := n.Inputs[k]
	added := shapeConst("", values, c.types.DType(was))
	added.Attr["value"].GetTensor().TensorShape = was.Node.Attr["value"].GetTensor().GetTensorShape()
	return Tensor{c.named(n, added), 0}
}
