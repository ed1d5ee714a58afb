package gradient

import (
	"errors"
	"maps"
	"slices"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// filterBank names the operations of one kind of convolution: itself and its
// gradients with respect to the input and the filter. Each is linear in both its
// operands, so these three are closed under differentiation.
type filterBank struct {
	forward, input, filter string
	attrs                  []string
	grouped                bool // may have fewer filter channels than input channels
}

var (
	full = filterBank{
		forward: "Conv2D", input: "Conv2DBackpropInput", filter: "Conv2DBackpropFilter",
		attrs:   []string{"strides", "padding", "explicit_paddings", "data_format", "dilations", "use_cudnn_on_gpu"},
		grouped: true,
	}
	depthwise = filterBank{
		forward: "DepthwiseConv2dNative", input: "DepthwiseConv2dNativeBackpropInput", filter: "DepthwiseConv2dNativeBackpropFilter",
		attrs: []string{"strides", "padding", "explicit_paddings", "data_format", "dilations"},
	}
	volume = filterBank{
		forward: "Conv3D", input: "Conv3DBackpropInputV2", filter: "Conv3DBackpropFilterV2",
		attrs: []string{"strides", "padding", "data_format", "dilations"},
	}
)

// convolution is the rule of y = x * f.
func convolution(b filterBank) rule {
	return func(s *scope, c *call) []tf.Output {
		w := b.on(s, c)
		in := make([]tf.Output, 2)
		if c.wants[0] {
			in[0] = w.backInput(c.in[0], c.in[1], c.up[0])
		}
		if c.wants[1] {
			in[1] = w.backFilter(c.in[0], c.in[1], c.up[0])
		}
		return in
	}
}

// convolutionInput is the rule of the gradient with respect to x: inputs are x's
// sizes, the filter and y's gradient.
func convolutionInput(b filterBank) rule {
	return func(s *scope, c *call) []tf.Output {
		w := b.on(s, c)
		in := make([]tf.Output, 3)
		if c.wants[1] {
			in[1] = w.backFilter(c.up[0], c.in[1], c.in[2])
		}
		if c.wants[2] {
			in[2] = w.s.One(b.forward, w.a, c.up[0], c.in[1])
		}
		return in
	}
}

// convolutionFilter is the rule of the gradient with respect to f: inputs are x,
// f's sizes and y's gradient.
func convolutionFilter(b filterBank) rule {
	return func(s *scope, c *call) []tf.Output {
		w := b.on(s, c)
		in := make([]tf.Output, 3)
		if c.wants[0] {
			in[0] = w.backInput(c.in[0], c.up[0], c.in[2])
		}
		if c.wants[2] {
			in[2] = w.s.One(b.forward, w.a, c.in[0], c.up[0])
		}
		return in
	}
}

// convolver writes convolutions with the attributes of one of them.
type convolver struct {
	s *scope
	b filterBank
	a attrs
}

func (b filterBank) on(s *scope, c *call) convolver {
	return convolver{s, b, s.AttrsOf(c.op, b.attrs...)}
}

// backInput is the gradient with respect to a tensor of x's shape.
func (w convolver) backInput(x, f, g tf.Output) tf.Output {
	n := w.groups(x, f)
	if d, shape := w.depthwise(f, n); shape != nil {
		return d.backInput(x, w.s.One("Reshape", nil, f, w.s.Integers(shape, tf.Int32)), g)
	}
	if n > 1 {
		xs, fs, gs := w.split(x, w.channelAxis(), n), w.split(f, 3, n), w.split(g, w.channelAxis(), n)
		parts := make(tf.OutputList, len(xs))
		for i := range parts {
			parts[i] = w.backInput(xs[i], fs[i], gs[i])
		}
		return w.join(parts, w.channelAxis())
	}
	if b, ok := w.inBlocks(x, f); ok {
		return b.backInput(w, f, g)
	}
	if dh, dw := w.dilation(); dh > 1 || dw > 1 {
		f = w.s.spread(f, dh, dw)
	}
	return w.s.One(w.b.input, w.undilated(), w.s.ShapeOf(x), f, g)
}

// backFilter is the gradient with respect to a tensor of f's shape.
func (w convolver) backFilter(x, f, g tf.Output) tf.Output {
	n := w.groups(x, f)
	if d, shape := w.depthwise(f, n); shape != nil {
		return w.s.ReshapeLike(d.backFilter(x, w.s.One("Reshape", nil, f, w.s.Integers(shape, tf.Int32)), g), f)
	}
	if n > 1 {
		xs, fs, gs := w.split(x, w.channelAxis(), n), w.split(f, 3, n), w.split(g, w.channelAxis(), n)
		parts := make(tf.OutputList, len(xs))
		for i := range parts {
			parts[i] = w.backFilter(xs[i], fs[i], gs[i])
		}
		return w.join(parts, 3)
	}
	if dh, dw := w.dilation(); dh > 1 || dw > 1 {
		back := w.s.One(w.b.filter, w.undilated(), x, w.s.ShapeOf(w.s.spread(f, dh, dw)), g)
		zero, step := w.s.Constant([]int32{0, 0}), w.s.Constant(ops.Narrow([]int64{dh, dw}))
		return w.s.One("StridedSlice", attrs{"end_mask": int64(3)}, back, zero, zero, step)
	}
	return w.s.One(w.b.filter, w.a, x, w.s.ShapeOf(f), g)
}

// groups is the number of groups of a grouped convolution. TensorFlow's gradient
// kernels for the CPU know none, so that each group is written on its own.
func (w convolver) groups(x, f tf.Output) int64 {
	if !w.b.grouped {
		return 1
	}
	xd, fd := ops.Dims(x), ops.Dims(f)
	if len(xd) != 4 || len(fd) != 4 || fd[2] <= 0 {
		return 1
	}
	return max(1, xd[w.channelAxis()]/fd[2])
}

// depthwise writes n groups of one channel each, as ConvNeXt has hundreds of, in one
// operation. The shape is that of its filter; nil if the convolution is no such one,
// or steps by different strides, which the operation does not support.
func (w convolver) depthwise(f tf.Output, n int64) (convolver, []int64) {
	d := ops.Dims(f)
	stride, _ := w.a["strides"].([]int64)
	if n < 2 || d[2] != 1 || !ops.Static(d) || len(stride) != 4 {
		return convolver{}, nil
	}
	if h, v := w.spatial(stride); h != v {
		return convolver{}, nil
	}
	a := maps.Clone(w.a)
	delete(a, "use_cudnn_on_gpu")
	return convolver{w.s, depthwise, a}, []int64{d[0], d[1], n, d[3] / n}
}

// dilation is the distance between neighbouring elements of the filter. TensorFlow's
// own gradient kernels for the CPU know 1 only (oneDNN's, which has more, serves
// float32 and can be switched off), so that gradients spread the filter instead.
func (w convolver) dilation() (height, width int64) {
	d, _ := w.a["dilations"].([]int64)
	if len(d) != 4 {
		return 1, 1
	}
	return w.spatial(d)
}

// spatial picks the entries of height and width from a list over all four axes.
func (w convolver) spatial(list []int64) (height, width int64) {
	if w.channelAxis() == 1 {
		return list[2], list[3]
	}
	return list[1], list[2]
}

func (w convolver) undilated() attrs {
	a := maps.Clone(w.a)
	rank := 4
	if given, ok := a["dilations"].([]int64); ok {
		rank = len(given)
	}
	a["dilations"] = slices.Repeat([]int64{1}, rank)
	return a
}

// spread puts zeros between the elements of a filter.
func (s *scope) spread(f tf.Output, dh, dw int64) tf.Output {
	d := ops.Dims(f)
	if len(d) != 4 || !ops.Static(d) {
		s.Fail(errors.New("the filter of a dilated convolution has unknown sizes"))
		return tf.Output{}
	}
	apart := s.One("Reshape", nil, f, s.Integers([]int64{d[0], 1, d[1], 1, d[2], d[3]}, tf.Int32))
	pads := [][]int32{{0, 0}, {0, int32(dh - 1)}, {0, 0}, {0, int32(dw - 1)}, {0, 0}, {0, 0}}
	wide := s.One("Pad", nil, apart, s.Constant(pads))
	whole := s.One("Reshape", nil, wide, s.Integers([]int64{d[0] * dh, d[1] * dw, d[2], d[3]}, tf.Int32))
	trimmed := s.Integers([]int64{(d[0]-1)*dh + 1, (d[1]-1)*dw + 1, d[2], d[3]}, tf.Int32)
	return s.One("Slice", nil, whole, s.Constant([]int32{0, 0, 0, 0}), trimmed)
}

func (w convolver) channelAxis() int32 {
	format, _ := w.a["data_format"].(string)
	return int32(strings.IndexByte(format, 'C'))
}

func (w convolver) split(x tf.Output, axis int32, n int64) []tf.Output {
	parts := make([]tf.Output, n)
	op := w.s.Op("Split", attrs{"num_split": n}, w.s.Constant(axis), x)
	if op == nil {
		return parts
	}
	for i := range parts {
		parts[i] = op.Output(i)
	}
	return parts
}

func (w convolver) join(parts tf.OutputList, axis int32) tf.Output {
	return w.s.One("ConcatV2", nil, parts, w.s.Constant(axis))
}

// volumeRefused: TensorFlow's kernels for volumes know no groups.
func volumeRefused(n *node) string {
	format, _ := n.op.Attr("data_format")
	text, _ := format.(string)
	x, f := ops.Dims(n.in[0]), ops.Dims(n.in[1])
	channels := strings.IndexByte(text, 'C')
	if len(x) != 5 || len(f) != 5 || channels < 0 {
		return "unknown sizes"
	}
	if x[channels] != f[3] {
		return "groups of channels"
	}
	return ""
}

func patchesRefused(n *node) string {
	if d := ops.Dims(n.in[0]); len(d) != 4 || d[3] < 1 {
		return "unknown number of channels"
	}
	return ""
}

// patchesGrad takes the extraction of patches for the convolution that it is, with one
// filter for each element of a patch.
func patchesGrad(s *scope, c *call) []tf.Output {
	a := s.AttrsOf(c.op, "ksizes", "strides", "rates", "padding")
	size, _ := a["ksizes"].([]int64)
	if s.Err() != nil || len(size) != 4 {
		return nil
	}
	x := c.in[0]
	channels := ops.Dims(x)[3]
	n := size[1] * size[2] * channels
	all := s.One("Range", nil, s.Constant(int32(0)), s.Constant(int32(n)), s.Constant(int32(1)))
	eye := s.One("OneHot", nil, all, s.Constant(int32(n)), s.Scalar(1, x), s.Scalar(0, x))
	filter := s.One("Reshape", nil, eye, s.Integers([]int64{size[1], size[2], channels, n}, tf.Int32))
	w := convolver{s, full, attrs{"strides": a["strides"], "padding": a["padding"], "dilations": a["rates"], "data_format": "NHWC"}}
	return []tf.Output{w.backInput(x, filter, c.up[0])}
}
