package graphdef

import (
	"fmt"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// Smooth returns the graph with s(x) = softplus(beta x)/beta in place of ReLU:
//
//	Relu(x)      -> s(x)
//	Relu6(x)     -> s(x) - s(x-6)
//	LeakyRelu(x) -> alpha x + (1-alpha) s(x)
//
// A rectifier spelt otherwise, such as Maximum(x, 0), stays as it is. The second result counts what was replaced.
func (g *Graph) Smooth(beta float64) (*Graph, int) {
	smooth := g.clone()
	var nodes []*Node
	replaced := 0
	for _, n := range smooth.Nodes {
		if rule := rectifiers[n.Op]; rule != nil && len(n.Inputs) == 1 {
			s := softplus{beta: beta, of: n}
			rule(&s, n.Inputs[0])
			nodes = append(nodes, s.added...)
			replaced++
		}
		nodes = append(nodes, n)
	}
	smooth.Nodes = nodes
	return smooth, replaced
}

var rectifiers = map[string]func(s *softplus, x Tensor){
	"Relu": func(s *softplus, x Tensor) {
		s.become("Mul", s.plus(x), s.scalar(1/s.beta))
	},
	"Relu6": func(s *softplus, x Tensor) {
		above := s.add("Sub", x, s.scalar(6))
		s.become("Mul", s.add("Sub", s.plus(x), s.plus(above)), s.scalar(1/s.beta))
	},
	"LeakyRelu": func(s *softplus, x Tensor) {
		alpha := 0.2 // the op's default
		if given := s.of.Attr["alpha"]; given != nil {
			alpha = float64(given.GetF())
		}
		bend := s.add("Mul", s.plus(x), s.scalar((1-alpha)/s.beta))
		s.become("AddV2", s.add("Mul", x, s.scalar(alpha)), bend)
	},
}

// softplus writes the nodes that take the place of one rectifier, whose own node becomes the last of them.
type softplus struct {
	beta  float64
	of    *Node
	added []*Node
}

// plus is softplus(beta x), not yet divided by beta.
func (s *softplus) plus(x Tensor) Tensor {
	return s.add("Softplus", s.add("Mul", x, s.scalar(s.beta)))
}

func (s *softplus) add(op string, inputs ...Tensor) Tensor {
	return s.node(&Node{Op: op, Inputs: inputs, Attr: s.typed("T")})
}

func (s *softplus) node(n *Node) Tensor {
	n.Name = fmt.Sprintf("%s/softplus_%d", s.of.Name, len(s.added))
	s.added = append(s.added, n)
	return Tensor{n, 0}
}

// scalar is a constant of the rectifier's type, which may be a 16-bit float.
func (s *softplus) scalar(v float64) Tensor {
	value := s.node(constNode("", &tensor_go_proto.TensorProto{
		Dtype: types_go_proto.DataType_DT_FLOAT, TensorShape: &tensor_shape_go_proto.TensorShapeProto{}, FloatVal: []float32{float32(v)},
	}))
	if s.of.Attr["T"].GetType() == types_go_proto.DataType_DT_FLOAT {
		return value
	}
	attr := s.typed("DstT")
	attr["SrcT"] = typeAttr(types_go_proto.DataType_DT_FLOAT)
	return s.node(&Node{Op: "Cast", Inputs: []Tensor{value}, Attr: attr})
}

func (s *softplus) become(op string, inputs ...Tensor) {
	s.of.Attr = s.typed("T")
	s.of.Op, s.of.Inputs = op, inputs
}

func (s *softplus) typed(attr string) map[string]*attr_value_go_proto.AttrValue {
	return map[string]*attr_value_go_proto.AttrValue{attr: s.of.Attr["T"]}
}
