package gradient

import (
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
)

// call is one operation on the path, as its rule sees it.
type call struct {
	op    *tf.Operation
	in    []tf.Output // what feeds each input
	up    []tf.Output // the gradient of each output; the zero Output where none arrived
	wants []bool      // which inputs need a gradient
	// of is Of, for rules that write an operation with others and differentiate those.
	of func(g *tf.Graph, ys, xs []tf.Output, o Options) ([]tf.Output, error)
}

// out is the i-th output of the operation itself.
func (c *call) out(i int) tf.Output { return c.op.Output(i) }

// rule adds the operations that turn the gradients of an operation's outputs into
// those of its inputs. At least one of c.up is there. The result has one entry
// per input; entries that c.wants does not ask for are ignored, and a zero
// Output says that the gradient is zero.
type rule func(s *scope, c *call) []tf.Output

// entry is what is known about a type of operation.
type entry struct {
	rule rule
	// only lists the inputs that the derivative follows, where it does not
	// follow every floating-point input: the others have derivative zero almost
	// everywhere, or give only their shape.
	only []int
	// stop ends every path: the derivative is zero almost everywhere, or the
	// operation asks for it.
	stop bool
	// complex says that the rule holds for complex tensors too.
	complex bool
	// refuse says why the rule does not cover an operation; "" if it does.
	refuse func(n *node) string
}

func (e entry) follows(input int) bool {
	return !e.stop && (e.only == nil || slices.Contains(e.only, input))
}
