package gradient

import (
	"strings"

	tf "github.com/wamuir/graft/tensorflow"
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
			in[2] = w.s.one(b.forward, w.a, c.up[0], c.in[1])
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
			in[2] = w.s.one(b.forward, w.a, c.in[0], c.up[0])
		}
		return in
	}
}

// weave writes convolutions with the attributes of one of them.
type weave struct {
	s *scope
	b filterBank
	a attrs
}

func (b filterBank) on(s *scope, c *call) weave {
	return weave{s, b, s.attrs(c.op, b.attrs...)}
}

// backInput is the gradient with respect to a tensor of x's shape.
func (w weave) backInput(x, f, g tf.Output) tf.Output {
	if n := w.groups(x, f); n > 1 {
		xs, fs, gs := w.split(x, w.channelAxis(), n), w.split(f, 3, n), w.split(g, w.channelAxis(), n)
		parts := make(tf.OutputList, len(xs))
		for i := range parts {
			parts[i] = w.backInput(xs[i], fs[i], gs[i])
		}
		return w.join(parts, w.channelAxis())
	}
	return w.s.one(w.b.input, w.a, w.s.shapeOf(x), f, g)
}

// backFilter is the gradient with respect to a tensor of f's shape.
func (w weave) backFilter(x, f, g tf.Output) tf.Output {
	if n := w.groups(x, f); n > 1 {
		xs, fs, gs := w.split(x, w.channelAxis(), n), w.split(f, 3, n), w.split(g, w.channelAxis(), n)
		parts := make(tf.OutputList, len(xs))
		for i := range parts {
			parts[i] = w.backFilter(xs[i], fs[i], gs[i])
		}
		return w.join(parts, 3)
	}
	return w.s.one(w.b.filter, w.a, x, w.s.shapeOf(f), g)
}

// groups is the number of groups of a grouped convolution. TensorFlow's gradient
// kernels for the CPU know none, so that each group is written on its own.
func (w weave) groups(x, f tf.Output) int64 {
	if !w.b.grouped {
		return 1
	}
	xd, fd := dims(x), dims(f)
	if len(xd) != 4 || len(fd) != 4 || fd[2] <= 0 {
		return 1
	}
	return max(1, xd[w.channelAxis()]/fd[2])
}

func (w weave) channelAxis() int32 {
	format, _ := w.a["data_format"].(string)
	return int32(strings.IndexByte(format, 'C'))
}

func (w weave) split(x tf.Output, axis int32, n int64) []tf.Output {
	parts := make([]tf.Output, n)
	op := w.s.op("Split", attrs{"num_split": n}, w.s.constant(axis), x)
	if op == nil {
		return parts
	}
	for i := range parts {
		parts[i] = op.Output(i)
	}
	return parts
}

func (w weave) join(parts tf.OutputList, axis int32) tf.Output {
	return w.s.one("ConcatV2", nil, parts, w.s.constant(axis))
}
