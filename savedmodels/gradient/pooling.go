package gradient

import (
	"math"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

var window = []string{"ksize", "strides", "padding", "data_format"}

func avgPoolGrad(s *scope, c *call, g tf.Output) tf.Output {
	return s.One(c.op.Type()+"Grad", s.AttrsOf(c.op, window...), s.ShapeOf(c.in[0]), g)
}

func avgPoolGradGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{{}, s.One(strings.TrimSuffix(c.op.Type(), "Grad"), s.AttrsOf(c.op, window...), c.up[0])}
}

// maxPoolGrad writes explicit padding out, because MaxPoolGradGrad has none.
func maxPoolGrad(s *scope, c *call, g tf.Output) tf.Output {
	a := s.AttrsOf(c.op, window...)
	x, y := c.in[0], c.out(0)
	if a["padding"] != "EXPLICIT" {
		return s.One(c.op.Type()+"Grad", a, x, y, g)
	}
	pads, _ := s.AttrsOf(c.op, "explicit_paddings")["explicit_paddings"].([]int64)
	a["padding"] = "VALID"
	back := s.One("MaxPoolGrad", a, s.pad(x, pads, math.Inf(-1)), y, g)
	begin := make([]int64, len(pads)/2)
	for i := range begin {
		begin[i] = pads[2*i]
	}
	return s.One("Slice", nil, back, s.Integers(begin, tf.Int32), s.ShapeOf(x))
}

// pad surrounds x with a value; pads has a pair per axis.
func (s *scope) pad(x tf.Output, pads []int64, value float64) tf.Output {
	rows := make([][]int32, len(pads)/2)
	for i := range rows {
		rows[i] = ops.Narrow(pads[2*i : 2*i+2])
	}
	return s.One("PadV2", nil, x, s.Constant(rows), s.Scalar(value, x))
}

// MaxPoolGrad and MaxPoolGradGrad are linear in their last input, and which element
// of a window is the largest does not change almost everywhere.

func maxPoolGradGrad(s *scope, c *call) []tf.Output {
	a := s.AttrsOf(c.op, window...)
	x, y, up := c.in[0], c.in[1], c.up[0]
	if w, ok := separate(c.op.Type(), a, x); ok {
		return []tf.Output{{}, {}, s.chosenSum(c.op.Type(), w, x, y, up)}
	}
	if a["data_format"] == "NCHW" { // of which TensorFlow has no MaxPoolGradGrad for the CPU
		last := s.maxPoolGradGradLast(c.op.Type(), channelsLast(a), s.turned(x, 0, 2, 3, 1), s.turned(y, 0, 2, 3, 1), s.turned(up, 0, 2, 3, 1))
		return []tf.Output{{}, {}, s.turned(last, 0, 3, 1, 2)}
	}
	return []tf.Output{{}, {}, s.maxPoolGradGradLast(c.op.Type(), a, x, y, up)}
}

// channelsLast are the attributes of pooling with its channels first for images that have them last.
func channelsLast(a attrs) attrs {
	last := attrs{"padding": a["padding"], "data_format": "NHWC"}
	for _, name := range []string{"ksize", "strides"} {
		if v, ok := a[name].([]int64); ok && len(v) == 4 {
			last[name] = []int64{v[0], v[2], v[3], v[1]}
		}
	}
	return last
}

// turned is x with its axes in another order.
func (s *scope) turned(x tf.Output, order ...int32) tf.Output {
	return s.One("Transpose", nil, x, s.Constant(order))
}

func (s *scope) maxPoolGradGradLast(kind string, a attrs, x, y, up tf.Output) tf.Output {
	// TensorFlow's MaxPoolGradGrad writes its result over its input if both have as
	// many elements, while it still reads from it: seen in 2.18 as zeros and wrong
	// values at stride 1. Padded by hand, the input is larger.
	if pads := overlapping(a, x); pads != nil {
		a["padding"] = "VALID"
		x, up = s.pad(x, pads, math.Inf(-1)), s.pad(up, pads, 0)
	}
	return s.One(kind+"Grad", a, x, y, up)
}

// overlapping returns the padding that SAME stands for if the windows overlap and
// are as many as the elements.
func overlapping(a attrs, x tf.Output) []int64 {
	size, _ := a["ksize"].([]int64)
	stride, _ := a["strides"].([]int64)
	d := ops.Dims(x)
	if a["padding"] != "SAME" || len(size) != len(stride) {
		return nil
	}
	overlap := false
	pads := make([]int64, 2*len(size))
	for i := range size {
		if stride[i] > 1 && (d == nil || d[i] != 1) {
			return nil
		}
		overlap = overlap || size[i] > 1
		pads[2*i] = (size[i] - 1) / 2
		pads[2*i+1] = size[i] - 1 - pads[2*i]
	}
	if !overlap {
		return nil
	}
	return pads
}

func maxPoolGradGradGrad(s *scope, c *call) []tf.Output {
	a := s.AttrsOf(c.op, window...)
	return []tf.Output{{}, {}, s.One(strings.TrimSuffix(c.op.Type(), "Grad"), a, c.in[0], c.in[1], c.up[0])}
}

func explicitPadding(n *node) string {
	if p, _ := n.op.Attr("padding"); p == "EXPLICIT" {
		return "explicit padding"
	}
	return ""
}
