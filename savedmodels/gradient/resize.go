package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// A resize is linear in the image; its gradient operation is the adjoint, whose own
// gradient is the resize again, to the size of the gradient's input. TensorFlow's Python
// calls ResizeBilinearGrad not differentiable and silently leaves its part of a second
// order out, so that a nested tape is no reference for networks that resize.

var corners = []string{"align_corners", "half_pixel_centers"}

func resizeGrad(kind string) rule {
	return func(s *scope, c *call) []tf.Output {
		return []tf.Output{s.One(kind, s.AttrsOf(c.op, corners...), c.up[0], c.in[0]), {}}
	}
}

func resizeGradGrad(kind string) rule {
	return func(s *scope, c *call) []tf.Output {
		return []tf.Output{s.One(kind, s.AttrsOf(c.op, corners...), c.up[0], s.imageSize(c.in[0])), {}}
	}
}

func nearestGrad(s *scope, c *call) []tf.Output {
	g := s.One("ResizeNearestNeighborGrad", s.AttrsOf(c.op, corners...), c.up[0], s.imageSize(c.in[0]))
	return []tf.Output{g, {}}
}

func nearestGradGrad(s *scope, c *call) []tf.Output {
	g := s.One("ResizeNearestNeighbor", s.AttrsOf(c.op, corners...), c.up[0], s.imageSize(c.in[0]))
	return []tf.Output{g, {}}
}

var kernel = []string{"kernel_type", "antialias"}

// scaleAndTranslateGrad computes in float32, the only type that the operation returns.
func scaleAndTranslateGrad(s *scope, c *call) []tf.Output {
	x := c.in[0]
	g := s.One("ScaleAndTranslateGrad", s.AttrsOf(c.op, kernel...), c.up[0], s.Cast(x, tf.Float), c.in[2], c.in[3])
	if s.Err() != nil {
		return nil
	}
	return []tf.Output{s.Cast(g, x.DataType()), {}, {}, {}}
}

func scaleAndTranslateGradGrad(s *scope, c *call) []tf.Output {
	g := s.One("ScaleAndTranslate", s.AttrsOf(c.op, kernel...), c.up[0], s.imageSize(c.in[0]), c.in[2], c.in[3])
	return []tf.Output{g, {}, {}, {}}
}

// imageSize is the height and width of a batch of images in NHWC.
func (s *scope) imageSize(x tf.Output) tf.Output {
	if d := ops.Dims(x); len(d) == 4 && d[1] >= 0 && d[2] >= 0 {
		return s.Integers(d[1:3], tf.Int32)
	}
	return s.One("Slice", nil, s.ShapeOf(x), s.Constant([]int32{1}), s.Constant([]int32{2}))
}

func boxesRefused(n *node) string {
	if n.wants[1] {
		return "where it cuts depends on the input"
	}
	return ""
}

// cropGrad is the rule of CropAndResize, which cuts boxes out of images and brings them to one size, float32 whatever the images' type.
func cropGrad(s *scope, c *call) []tf.Output {
	x := c.in[0]
	if s.Err() != nil {
		return nil
	}
	a := s.AttrsOf(c.op, "method")
	a["T"] = x.DataType()
	return []tf.Output{s.One("CropAndResizeGradImage", a, c.up[0], c.in[1], c.in[2], s.ShapeOf(x)), {}, {}, {}}
}

func cropGradGrad(s *scope, c *call) []tf.Output {
	g := c.in[0]
	return []tf.Output{s.One("CropAndResize", s.AttrsOf(c.op, "method"), c.up[0], c.in[1], c.in[2], s.imageSize(g)), {}, {}, {}}
}
