package gradient

import (
	"math"

	tf "github.com/wamuir/graft/tensorflow"
)

var window = []string{"ksize", "strides", "padding", "data_format"}

func avgPoolGrad(s *scope, c *call, g tf.Output) tf.Output {
	return s.one("AvgPoolGrad", s.attrs(c.op, window...), s.shapeOf(c.in[0]), g)
}

func avgPoolGradGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{{}, s.one("AvgPool", s.attrs(c.op, window...), c.up[0])}
}

// maxPoolGrad writes explicit padding out, because MaxPoolGradGrad has none.
func maxPoolGrad(s *scope, c *call, g tf.Output) tf.Output {
	a := s.attrs(c.op, window...)
	x, y := c.in[0], c.out(0)
	if a["padding"] != "EXPLICIT" {
		return s.one("MaxPoolGrad", a, x, y, g)
	}
	a["padding"] = "VALID"
	pads, _ := s.attrs(c.op, "explicit_paddings")["explicit_paddings"].([]int64)
	rows := make([][]int32, len(pads)/2)
	begin := make([]int64, len(rows))
	for i := range rows {
		rows[i] = narrow(pads[2*i : 2*i+2])
		begin[i] = pads[2*i]
	}
	padded := s.one("PadV2", nil, x, s.constant(rows), s.scalar(math.Inf(-1), x))
	back := s.one("MaxPoolGrad", a, padded, y, g)
	return s.one("Slice", nil, back, s.integers(begin, tf.Int32), s.shapeOf(x))
}

// MaxPoolGrad and MaxPoolGradGrad are linear in their last input, and which element
// of a window is the largest does not change almost everywhere.
func maxPoolGradGrad(s *scope, c *call) []tf.Output {
	a := s.attrs(c.op, window...)
	return []tf.Output{{}, {}, s.one("MaxPoolGradGrad", a, c.in[0], c.in[1], c.up[0])}
}

func maxPoolGradGradGrad(s *scope, c *call) []tf.Output {
	a := s.attrs(c.op, window...)
	return []tf.Output{{}, {}, s.one("MaxPoolGrad", a, c.in[0], c.in[1], c.up[0])}
}

func explicitPadding(n *node) string {
	if p, _ := n.op.Attr("padding"); p == "EXPLICIT" {
		return "explicit padding"
	}
	return ""
}
