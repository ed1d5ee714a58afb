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

func areaRefused(n *node) string {
	if _, _, ok := areaSizes(n.in[0], n.op.Output(0)); !ok {
		return "unknown sizes"
	}
	return ""
}

func areaSizes(x, y tf.Output) (from, to []int64, ok bool) {
	from, to = ops.Dims(x), ops.Dims(y)
	if len(from) != 4 || len(to) != 4 || !ops.Static(from[1:3]) || !ops.Static(to[1:3]) {
		return nil, nil, false
	}
	return from[1:3], to[1:3], true
}

// areaGrad is the rule of ResizeArea, the mean over what a new pixel covers of the old ones: a matrix for the rows and one for
// the columns, turned. TensorFlow has no operation for it.
func areaGrad(s *scope, c *call) []tf.Output {
	x := c.in[0]
	from, to, _ := areaSizes(x, c.out(0))
	a := s.AttrsOf(c.op, "align_corners")
	corners := a["align_corners"] == true
	rows, columns := s.Constant(areaWeights(from[0], to[0], corners)), s.Constant(areaWeights(from[1], to[1], corners))
	g := s.One("Einsum", attrs{"equation": "bijc,ih->bhjc"}, tf.OutputList{c.up[0], rows})
	g = s.One("Einsum", attrs{"equation": "bhjc,jw->bhwc"}, tf.OutputList{g, columns})
	if s.Err() != nil {
		return nil
	}
	return []tf.Output{s.Cast(g, x.DataType()), {}}
}

// areaWeights are the shares of the old pixels in each of the new ones along one axis, [new, old], calculated in float32 as
// TensorFlow does.
func areaWeights(from, to int64, corners bool) [][]float32 {
	scale := float32(from) / float32(to)
	if corners && to > 1 {
		scale = float32(from-1) / float32(to-1)
	}
	weights := make([][]float32, to)
	for i := range weights {
		weights[i] = make([]float32, from)
		begin, end := float32(i)*scale, float32(i+1)*scale
		for j := int64(begin); float32(j) < end; j++ {
			share := min(float32(j+1), end) - max(float32(j), begin)
			weights[i][min(j, from-1)] += share / scale
		}
	}
	return weights
}

func boxesRefused(n *node) string {
	if n.wants[1] {
		return "where it cuts depends on the input"
	}
	return ""
}

// cropGrad is the rule of CropAndResize, which cuts boxes out of images and brings them to one size, float32 whatever the
// images' type.
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
