package graphdef

import (
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// Logits walks back from the output over casts and reshapes to a softmax and returns its input: the logits. It knows the
// Softmax op and the division of exponentials by their sum. Without a softmax, ok is false. LogSoftmax counts as logits
// already, since softmax(log softmax z) = softmax(z).
func (g *Graph) Logits() (logits Tensor, ok bool) {
	t := g.Output
	for range g.Nodes {
		n := t.Node
		if t.Index != 0 || len(n.Inputs) == 0 {
			return Tensor{}, false
		}
		switch n.Op {
		case "Cast", "Reshape", "Squeeze":
			t = n.Inputs[0]
		case "Softmax":
			return n.Inputs[0], true
		case "RealDiv":
			return normalisedExp(n)
		default:
			return Tensor{}, false
		}
	}
	return Tensor{}, false
}

// normalisedExp recognises exp(z) / sum(exp(z)), which Keras 2 writes for more than two dimensions.
func normalisedExp(n *Node) (Tensor, bool) {
	if len(n.Inputs) != 2 {
		return Tensor{}, false
	}
	exp, sum := n.Inputs[0], n.Inputs[1].Node
	if exp.Node.Op != "Exp" || len(exp.Node.Inputs) != 1 || sum.Op != "Sum" || len(sum.Inputs) == 0 || sum.Inputs[0] != exp {
		return Tensor{}, false
	}
	return exp.Node.Inputs[0], true
}

// WithOutput is the same graph up to another tensor of it.
func (g *Graph) WithOutput(t Tensor) (*Graph, error) {
	return newGraph(t, g.Input, g.versions)
}

// DType is the type of a node's first output as far as its attributes tell: 0 where they do not.
func (n *Node) DType() types_go_proto.DataType {
	for _, name := range []string{"DstT", "dtype", "T"} {
		if t := n.Attr[name].GetType(); t != 0 {
			return t
		}
	}
	return 0
}
