package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"
)

func batchNormRefused(n *node) string {
	for _, w := range n.wants[3:] {
		if w {
			return "mean or variance depends on the input"
		}
	}
	return ""
}

// batchNormGrad is the rule of batch normalisation. In inference mode it is an affine
// map of each channel. In training mode, with which Keras 2 writes layer
// normalisation, mean and variance are those of the input; only the first output is
// differentiated then.
//
//	y = scale * n + offset, n = (x - mean) * r, r = 1/sqrt(variance + epsilon)
func batchNormGrad(s *scope, c *call) []tf.Output {
	in := make([]tf.Output, len(c.in))
	if c.up[0].Op == nil {
		return in
	}
	b := s.batch(c)
	g := s.Cast(c.up[0], tf.Float)
	if c.wants[0] {
		slope := s.Mul(b.perChannel(c.in[1]), b.r) // a vector: one product for all of g
		centred := g
		if b.training {
			n := b.normalised()
			centred = s.Sub(g, s.Add(b.mean(g), s.Mul(n, b.mean(s.Mul(g, n)))))
		}
		in[0] = s.Cast(s.Mul(centred, slope), c.in[0].DataType())
	}
	if c.wants[1] {
		in[1] = s.sum(s.Mul(g, b.normalised()), b.axes, false)
	}
	if c.wants[2] {
		in[2] = s.sum(g, b.axes, false)
	}
	return in
}

// batch is what a batch normalisation computes with.
type batch struct {
	s        *scope
	training bool
	first    bool    // channels are the second axis, not the last
	axes     []int64 // all but the channels'
	x        tf.Output
	centre   tf.Output
	r        tf.Output
}

func (s *scope) batch(c *call) *batch {
	a := s.AttrsOf(c.op, "epsilon", "data_format", "is_training")
	epsilon, _ := a["epsilon"].(float32)
	b := &batch{
		s: s, training: a["is_training"] == true, first: a["data_format"] == "NCHW",
		axes: []int64{0, 1, 2}, x: s.Cast(c.in[0], tf.Float),
	}
	if b.first {
		b.axes = []int64{0, 2, 3}
	}
	variance := c.in[4]
	if b.training {
		b.centre = b.mean(b.x)
		variance = b.mean(s.One("SquaredDifference", nil, b.x, b.centre))
	} else {
		b.centre, variance = b.perChannel(c.in[3]), b.perChannel(variance)
	}
	b.r = s.One("Rsqrt", nil, s.Add(variance, s.Scalar(float64(epsilon), variance)))
	return b
}

func (b *batch) mean(x tf.Output) tf.Output {
	return b.s.One("Mean", attrs{"keep_dims": true}, x, b.s.Integers(b.axes, tf.Int32))
}

func (b *batch) normalised() tf.Output {
	return b.s.Mul(b.s.Sub(b.x, b.centre), b.r)
}

// perChannel gives a vector over the channels a shape that is broadcast against x.
func (b *batch) perChannel(v tf.Output) tf.Output {
	if !b.first {
		return v
	}
	return b.s.One("Reshape", nil, v, b.s.Constant([]int32{-1, 1, 1}))
}
