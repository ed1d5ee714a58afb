package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"
)

var last = []int64{-1}

func softmaxGrad(s *scope, _, p, g tf.Output) tf.Output {
	mean := s.sum(s.Mul(g, p), last, true)
	return s.Mul(s.Sub(g, mean), p)
}

func logSoftmaxGrad(s *scope, _, y, g tf.Output) tf.Output {
	return s.Sub(g, s.Mul(s.sum(g, last, true), s.One("Exp", nil, y)))
}

// crossEntropyGrad differentiates both outputs, the loss per row and its gradient
// p - labels with respect to the logits, for logits and labels.
func crossEntropyGrad(s *scope, c *call) []tf.Output {
	logits, labels := c.in[0], c.in[1]
	dlogits := logitsGrad(s, c)
	if dlogits.Op != nil {
		dlogits = s.sumTo(dlogits, logits, labels)
	}
	if !c.wants[1] {
		return []tf.Output{dlogits, {}}
	}
	var parts tf.OutputList
	if c.up[0].Op != nil {
		parts = append(parts, s.Neg(s.Mul(s.column(c.up[0]), s.One("LogSoftmax", nil, logits))))
	}
	if c.up[1].Op != nil {
		parts = append(parts, s.Neg(c.up[1]))
	}
	return []tf.Output{dlogits, s.sumTo(s.total(parts), labels, logits)}
}

func sparseCrossEntropyGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{logitsGrad(s, c), {}}
}

func logitsGrad(s *scope, c *call) tf.Output {
	if !c.wants[0] {
		return tf.Output{}
	}
	var parts tf.OutputList
	if c.up[0].Op != nil {
		parts = append(parts, s.Mul(s.column(c.up[0]), c.out(1)))
	}
	if c.up[1].Op != nil {
		p := s.One("Softmax", nil, c.in[0])
		parts = append(parts, softmaxGrad(s, c.in[0], p, c.up[1]))
	}
	return s.total(parts)
}

// column makes a matrix of one column of a vector.
func (s *scope) column(v tf.Output) tf.Output {
	return s.One("ExpandDims", nil, v, s.Constant(int32(-1)))
}

func (s *scope) total(parts tf.OutputList) tf.Output {
	if len(parts) == 1 {
		return parts[0]
	}
	return s.One("AddN", nil, parts)
}
