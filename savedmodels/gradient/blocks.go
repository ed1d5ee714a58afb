package gradient

import (
	"slices"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// blocks is the gradient of a convolution with respect to its input, of few channels, calculated for blocks of side x side places at
// once: a convolution of the output's gradient that makes side*side times as many channels as the input has, which DepthToSpace deals
// out over the block. The kernels of Conv2DBackpropInput, which make these channels one place at a time, are several times slower: a
// network's first layer has 1 or 3.
type blocks struct {
	side, stride  int64
	height, width taps
	channels      int64
	filters       int64 // channels of the convolution's output
}

// taps are what a block takes of the output's gradient along one axis: count elements, of which some are zeros put before and behind
// the gradient. The filter has size elements, of which the first is pad places before a block of the input.
type taps struct{ count, before, behind, size, pad int64 }

const (
	// lanes are the numbers that a processor multiplies at once, which a block with its channels should fill. Blocks larger than the
	// stride mean products with zeros.
	lanes = 16
	// fewChannels is how many channels an input has at most for blocks to be faster.
	fewChannels = 4
	// manyFilters is how many channels a convolution makes at least for blocks of its input to be faster: with 16, what is gained is
	// spent on the rest.
	manyFilters = 32
)

// inputGiven is the kind of IdentityN whose inputs are the gradient of a convolution with respect to its input, the filter, and the
// gradient of its output, and whose first output is read: its derivatives are those of Conv2DBackpropInput. The convolution's padding
// and strides are in the attributes paddingOf and stridesOf; its dilations are 1.
const (
	inputGiven = "ConvolutionInputGiven"
	paddingOf  = "_padding"
	stridesOf  = "_strides"
)

// inBlocks says whether the convolution of x with f is one for blocks.
func (w convolver) inBlocks(x, f tf.Output) (blocks, bool) {
	format, _ := w.a["data_format"].(string)
	padding, _ := w.a["padding"].(string)
	strides, _ := w.a["strides"].([]int64)
	xd, fd := ops.Dims(x), ops.Dims(f)
	if w.b.forward != full.forward || format != "NHWC" || len(xd) != 4 || !ops.Static(xd[1:]) || len(fd) != 4 || !ops.Static(fd) ||
		!slices.Contains([]tf.DataType{tf.Float, tf.Double}, x.DataType()) {
		return blocks{}, false
	}
	if dh, dw := w.dilation(); dh > 1 || dw > 1 || len(strides) != 4 || strides[1] != strides[2] || xd[3] != fd[2] || fd[3] < manyFilters {
		return blocks{}, false
	}
	b := blocks{stride: strides[1], channels: fd[2], filters: fd[3]}
	b.side = 4 * b.stride
	for b.side > b.stride && (b.side*b.side*b.channels > lanes || xd[1]%b.side != 0 || xd[2]%b.side != 0) {
		b.side /= 2
	}
	if b.side == 1 || fd[2] > fewChannels || xd[1]%b.side != 0 || xd[2]%b.side != 0 || fd[0]*fd[1] == 1 {
		return blocks{}, false
	}
	var known [2]bool
	b.height, known[0] = b.taps(padding, xd[1], fd[0])
	b.width, known[1] = b.taps(padding, xd[2], fd[1])
	return b, known[0] && known[1]
}

// taps are those of a filter of the given size along an axis of an image. The element i of the filter at place a of the first block
// takes the output's gradient at (a + pad - i)/stride, where that is an integer.
func (b blocks) taps(padding string, image, size int64) (taps, bool) {
	t, out := taps{size: size}, int64(0)
	switch padding {
	case "SAME":
		out = (image + b.stride - 1) / b.stride
		t.pad = max(0, (out-1)*b.stride+size-image) / 2
	case "VALID":
		out = (image - size + b.stride) / b.stride
	}
	t.before = (size - 1 - t.pad) / b.stride
	t.count = t.before + (b.side-1+t.pad)/b.stride + 1
	t.behind = (image/b.side-1)*(b.side/b.stride) + t.count - out - t.before
	return t, out > 0 && t.behind >= 0
}

// element is that of the filter by which a tap counts for a place of the block; false if it does not count.
func (b blocks) element(t taps, tap, place int64) (i int64, counts bool) {
	i = place + t.pad - (tap-t.before)*b.stride
	return i, i >= 0 && i < t.size
}

// backInput is the gradient, g being that of the output.
func (b blocks) backInput(w convolver, f, g tf.Output) tf.Output {
	s, step := w.s, b.side/b.stride
	pads := []int64{0, 0, b.height.before, b.height.behind, b.width.before, b.width.behind, 0, 0}
	deep := s.One("Conv2D", attrs{"strides": []int64{1, step, step, 1}, "padding": "EXPLICIT", "explicit_paddings": pads}, g, b.filter(s, f))
	value := s.One("DepthToSpace", attrs{"block_size": b.side}, deep)
	marks := attrs{gradientOf: inputGiven, paddingOf: w.a["padding"], stridesOf: w.a["strides"]}
	return s.One("IdentityN", marks, tf.OutputList{value, f, g})
}

// filter is the filter of the convolution that makes blocks, of shape [height, width, filters, side*side*channels]: for each place of a
// block the elements of f that count for it, and zeros.
func (b blocks) filter(s *scope, f tf.Output) tf.Output {
	none := b.height.size * b.width.size // a row of zeros behind those of the elements
	var rows []int32
	for down := range b.height.count {
		for right := range b.width.count {
			for y := range b.side {
				for x := range b.side {
					row := none
					i, above := b.element(b.height, down, y)
					if j, beside := b.element(b.width, right, x); above && beside {
						row = i*b.width.size + j
					}
					rows = append(rows, int32(row))
				}
			}
		}
	}
	flat := s.One("Pad", nil, s.Reshape(f, none, b.channels*b.filters), s.Constant([][]int32{{0, 1}, {0, 0}}))
	placed := s.One("GatherV2", nil, flat, s.Constant(rows), s.Constant(int32(0)))
	shaped := s.Reshape(placed, b.height.count, b.width.count, b.side*b.side*b.channels, b.filters)
	return s.One("Transpose", nil, shaped, s.Constant([]int32{0, 1, 3, 2}))
}

// givenInput is the rule of inputGiven.
func givenInput(s *scope, c *call) []tf.Output {
	in := make([]tf.Output, 3)
	if c.up[0].Op == nil {
		return in
	}
	a := s.AttrsOf(c.op, paddingOf, stridesOf)
	w := convolver{s, full, attrs{"strides": a[stridesOf], "padding": a[paddingOf], "data_format": "NHWC"}}
	if c.wants[1] {
		in[1] = w.backFilter(c.up[0], c.in[1], c.in[2])
	}
	if c.wants[2] {
		in[2] = s.One("Conv2D", w.a, c.up[0], c.in[1])
	}
	return in
}
