package graphdef

import (
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

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
