package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// scope is where rules write: operations, and the combinations of them that several rules share.
type scope struct{ *ops.Scope }

type attrs = ops.Attrs

func newScope(g *tf.Graph, prefix string) *scope { return &scope{ops.NewScope(g, prefix)} }

// Mul is a * b. A gradient that a sum or a mean has repeated over its axes is multiplied as it was before, since the product repeats it
// as well, and a number goes with that too.
func (s *scope) Mul(a, b tf.Output) tf.Output {
	if s.Err() != nil {
		return tf.Output{}
	}
	for _, pair := range [][2]tf.Output{{a, b}, {b, a}} {
		small, repeated := beforeBroadcast(pair[0])
		if !repeated {
			continue
		}
		if d := ops.Dims(pair[1]); d != nil && len(d) == 0 {
			return s.broadcastLike(s.Scope.Mul(small, pair[1]), pair[0])
		}
		if ops.Same(ops.Dims(pair[0]), ops.Dims(pair[1])) {
			return s.Scope.Mul(small, pair[1])
		}
	}
	return s.Scope.Mul(a, b)
}

// Scale is k * a.
func (s *scope) Scale(k float64, a tf.Output) tf.Output { return s.Mul(a, s.Scalar(k, a)) }

// beforeBroadcast is what a tensor repeats.
func beforeBroadcast(t tf.Output) (tf.Output, bool) {
	if t.Op == nil || t.Op.Type() != "BroadcastTo" {
		return tf.Output{}, false
	}
	return tf.Consumer{Op: t.Op}.Producer(), true
}
