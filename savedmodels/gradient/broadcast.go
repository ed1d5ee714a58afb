package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// sumTo adds g up over the axes along which x was broadcast to g's shape, so that
// the result has x's shape. Nothing is added to the graph where the static shapes
// say that there are none. others are the tensors that x was broadcast against:
// an axis of size 1 in all of them needs no sum whatever the size is in x.
func (s *scope) sumTo(g, x tf.Output, others ...tf.Output) tf.Output {
	if s.Err() != nil {
		return tf.Output{}
	}
	from, to := ops.Dims(g), ops.Dims(x)
	if from == nil || to == nil || len(to) > len(from) {
		return s.sumToUnknown(g, x)
	}
	lead := len(from) - len(to)
	var sum []int64
	for i, n := range from {
		switch {
		case i < lead:
			sum = append(sum, int64(i))
		case to[i-lead] == 1 && n != 1:
			sum = append(sum, int64(i))
		case to[i-lead] < 0 && n != 1 && !single(others, len(from)-i):
			return s.sumToUnknown(g, x)
		}
	}
	if len(sum) == 0 {
		return g
	}
	if lead == 0 || len(sum) == lead {
		return s.sum(g, sum, lead == 0)
	}
	return s.ReshapeLike(s.sum(g, sum, false), x)
}

// single reports whether all tensors have size 1 on the axis counted from the
// last, from 1.
func single(tensors []tf.Output, fromLast int) bool {
	for _, t := range tensors {
		d := ops.Dims(t)
		if d == nil || len(d) >= fromLast && d[len(d)-fromLast] != 1 {
			return false
		}
	}
	return len(tensors) > 0
}

// sumToUnknown leaves it to the running graph to find the axes.
func (s *scope) sumToUnknown(g, x tf.Output) tf.Output {
	shape := s.ShapeOf(x)
	args := s.Op("BroadcastGradientArgs", nil, shape, s.ShapeOf(g))
	if args == nil {
		return tf.Output{}
	}
	return s.One("Reshape", nil, s.One("Sum", nil, g, args.Output(0)), shape)
}

func (s *scope) sum(x tf.Output, axes []int64, keep bool) tf.Output {
	return s.One("Sum", attrs{"keep_dims": keep}, x, s.Integers(axes, tf.Int32))
}

// broadcastLike repeats g along its axes of size 1 to the shape of x.
func (s *scope) broadcastLike(g, x tf.Output) tf.Output {
	if ops.Same(ops.Dims(g), ops.Dims(x)) {
		return g
	}
	return s.One("BroadcastTo", nil, g, s.ShapeOf(x))
}
