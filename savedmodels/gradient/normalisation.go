package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"
)

func batchNormRefused(n *node) string {
	if training, err := n.op.Attr("is_training"); err == nil && training == true {
		return "is_training is set"
	}
	for _, w := range n.wants[1:] {
		if w {
			return "scale, offset, mean or variance depends on the input"
		}
	}
	return ""
}

// batchNormGrad is the rule of batch normalisation in inference mode, which is an
// affine map of each channel.
func batchNormGrad(s *scope, c *call) []tf.Output {
	in := make([]tf.Output, len(c.in))
	if c.up[0].Op == nil {
		return in
	}
	a := s.attrs(c.op, "epsilon", "data_format")
	epsilon, _ := a["epsilon"].(float32)
	scale, variance := c.in[1], c.in[4]
	slope := s.mul(scale, s.one("Rsqrt", nil, s.add(variance, s.scalar(float64(epsilon), variance))))
	if a["data_format"] == "NCHW" {
		slope = s.one("Reshape", nil, slope, s.constant([]int32{-1, 1, 1}))
	}
	in[0] = s.mul(c.up[0], s.cast(slope, c.in[0].DataType()))
	return in
}
