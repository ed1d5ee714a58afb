package gradient

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

func tensorScatterAddGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{c.up[0], {}, s.One("GatherNd", nil, c.up[0], c.in[1])}
}

func tensorScatterSubGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{c.up[0], {}, s.Neg(s.One("GatherNd", nil, c.up[0], c.in[1]))}
}

// tensorScatterUpdateGrad takes the gradient of what was overwritten to be 0.
func tensorScatterUpdateGrad(s *scope, c *call) []tf.Output {
	g, indices, updates := c.up[0], c.in[1], c.in[2]
	return []tf.Output{s.One("TensorScatterUpdate", nil, g, indices, s.Fill(updates, 0)), {}, s.One("GatherNd", nil, g, indices)}
}

// rewritten says that an update may write an element twice: which one stays is not defined.
func rewritten(n *node) string {
	indices := ops.Dims(n.in[1])
	v, ok := ops.Known(n.in[1])
	if !ok || len(indices) == 0 {
		return "indices that are not constants"
	}
	if !distinct(v, int(indices[len(indices)-1])) {
		return "an element that is written twice"
	}
	return ""
}

// distinct reports whether rows of the given width are all different.
func distinct(v []int64, width int) bool {
	seen := map[string]bool{}
	for ; width > 0 && len(v) >= width; v = v[width:] {
		key := fmt.Sprint(v[:width])
		if seen[key] {
			return false
		}
		seen[key] = true
	}
	return true
}

func stitchRefused(n *node) string {
	var all []int64
	for _, t := range n.in[:len(n.in)/2] {
		v, ok := ops.Known(t)
		if !ok {
			return "indices that are not constants"
		}
		all = append(all, v...)
	}
	if !distinct(all, 1) {
		return "an element that is written twice"
	}
	return ""
}

// stitchGrad is the rule of DynamicStitch, which interleaves the rows of several tensors by their indices.
func stitchGrad(s *scope, c *call) []tf.Output {
	in := make([]tf.Output, len(c.in))
	n := len(c.in) / 2
	for i := range n {
		if c.wants[n+i] {
			in[n+i] = s.One("GatherV2", nil, c.up[0], c.in[i], s.Constant(int32(0)))
		}
	}
	return in
}

// topRefused: only the values have a gradient, and the last axis has to be known to put them back.
func topRefused(n *node) string {
	if d := ops.Dims(n.in[0]); len(d) == 0 || d[len(d)-1] < 0 {
		return "unknown sizes"
	}
	return ""
}

// topGrad gives the gradients of the largest values back to the places in the last axis that they came from.
func topGrad(s *scope, c *call) []tf.Output {
	in := make([]tf.Output, len(c.in))
	x := c.in[0]
	d := ops.Dims(x)
	n := d[len(d)-1]
	flat := s.Constant([]int32{-1})
	zero, one := s.Constant(int32(0)), s.Constant(int32(1))
	total := s.One("Prod", nil, s.ShapeOf(x), zero)
	starts := s.One("Range", nil, zero, total, s.Constant(int32(n)))
	// As many rows as all axes but the last make, whatever k is.
	byRow := s.One("Pack", nil, tf.OutputList{s.One("Size", nil, starts), s.Constant(int32(-1))})
	rows := s.One("Reshape", nil, s.Cast(c.out(1), tf.Int32), byRow)
	places := s.One("Reshape", nil, s.Add(rows, s.One("ExpandDims", nil, starts, one)), flat)
	sum := s.One("UnsortedSegmentSum", nil, s.One("Reshape", nil, c.up[0], flat), places, total)
	in[0] = s.One("Reshape", nil, sum, s.ShapeOf(x))
	return in
}

// argmaxRefused: with indices that count within each image, the number of values of an image has to be known.
func argmaxRefused(n *node) string {
	if d := ops.Dims(n.in[0]); len(d) != 4 || !ops.Static(d[1:]) {
		return "unknown sizes"
	}
	return ""
}

// argmaxPoolGrad is the rule of MaxPoolWithArgmax, which says where it found each maximum.
func argmaxPoolGrad(s *scope, c *call) []tf.Output {
	x := c.in[0]
	d := ops.Dims(x)
	flat := s.Constant([]int32{-1})
	places := s.Cast(c.out(1), tf.Int64)
	if s.AttrsOf(c.op, "include_batch_in_index")["include_batch_in_index"] != true {
		size := d[1] * d[2] * d[3]
		total := s.One("Prod", nil, s.ShapeAs(x, tf.Int64), s.Constant(int32(0)))
		starts := s.One("Range", nil, s.Constant(int64(0)), total, s.Constant(size))
		places = s.Add(places, s.One("Reshape", nil, starts, s.Constant([]int32{-1, 1, 1, 1})))
	}
	total := s.One("Prod", nil, s.ShapeOf(x), s.Constant(int32(0)))
	sum := s.One("UnsortedSegmentSum", nil, s.One("Reshape", nil, c.up[0], flat), s.One("Reshape", nil, places, flat), total)
	return []tf.Output{s.One("Reshape", nil, sum, s.ShapeOf(x))}
}

func reverseSequenceGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{s.One("ReverseSequence", s.AttrsOf(c.op, "seq_dim", "batch_dim"), c.up[0], c.in[1]), {}}
}

func segmentRowsGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{s.One("GatherV2", nil, c.up[0], c.in[1], s.Constant(int32(0))), {}}
}
