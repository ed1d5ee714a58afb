package graphdef

import (
	"fmt"

	"github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
)

const (
	// maxTurns bounds the turns of one loop that is unrolled. A recurrent layer over the rows of an image has a few hundred.
	maxTurns = 1024
	// maxUnrolled bounds the nodes that loops become.
	maxUnrolled = 100_000
)

// inlineWhile unrolls a loop whose condition is known at each turn.
func inlineWhile(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	cond, loop := n.GetAttr()["cond"].GetFunc(), n.GetAttr()["body"].GetFunc()
	for turn := 0; ; turn++ {
		if in.budget--; in.budget < 0 { // loops in loops whose bodies are empty
			return outputs{}, fmt.Errorf("loop %q %sis longer than %d nodes", n.GetName(), s.where(), maxNodes)
		}
		prefix := fmt.Sprintf("%s%s/%d", s.prefix, n.GetName(), turn)
		condition, err := in.call(prefix+"/cond", cond.GetName(), inputs, cond.GetAttr())
		if err != nil {
			return outputs{}, err
		}
		if len(condition) != 1 {
			return outputs{}, fmt.Errorf("condition %q of loop %q returns %d values", cond.GetName(), n.GetName(), len(condition))
		}
		goOn, known := in.decider.int(condition[0])
		if !known {
			return outputs{}, s.refuse(n, "the number of turns is not a constant and does not follow from the image's shape")
		}
		if goOn == 0 {
			return outputs{list: inputs}, nil
		}
		if turn == maxTurns {
			return outputs{}, s.refuse(n, fmt.Sprintf("the loop has more than %d turns, the most that are unrolled", maxTurns))
		}
		before := in.budget
		if inputs, err = in.call(prefix, loop.GetName(), inputs, loop.GetAttr()); err != nil {
			return outputs{}, err
		}
		if in.unrolled += before - in.budget; in.unrolled > maxUnrolled {
			reason := fmt.Sprintf("its %d turns so far make more than %d nodes, the most that loops are unrolled to", turn+1, maxUnrolled)
			return outputs{}, s.refuse(n, reason)
		}
	}
}
