package graphdef

import (
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// shapeOperands are the ops that take the shape of their output as an input: which one, and the attribute of its type.
var shapeOperands = map[string]struct {
	input int
	attr  string // "": always int32
}{
	"Reshape":                            {1, "Tshape"},
	"BroadcastTo":                        {1, "Tidx"},
	"Fill":                               {0, "index_type"},
	"Conv2DBackpropInput":                {0, ""},
	"DepthwiseConv2dNativeBackpropInput": {0, ""},
}

// WithShapes returns the graph with the arithmetic on shapes replaced by constants, as far as shapeOf knows the static shapes
// (nil: it does not). Differentiation and TensorFlow's optimiser have less to work through then.
func (g *Graph) WithShapes(shapeOf func(Tensor) []int64) (*Graph, error) {
	out := g.clone()
	for i, n := range out.Nodes {
		if n.Variable != nil || n == out.Input {
			continue
		}
		// shapeOf knows the original's nodes.
		original := g.Nodes[i]
		if operand, ok := shapeOperands[n.Op]; ok && len(n.Inputs) > operand.input {
			shape := shapeOf(Tensor{original, 0})
			given, constant := n.Inputs[operand.input].Ints()
			if shape == nil || constant && !slices.Contains(given, -1) {
				continue
			}
			dtype := types_go_proto.DataType_DT_INT32
			if operand.attr != "" {
				dtype = n.Attr[operand.attr].GetType()
			}
			n.Inputs[operand.input] = Tensor{shapeConst(n.Name+"/static_shape", shape, dtype), 0}
			continue
		}
		if n.Op == "Shape" && len(n.Inputs) == 1 {
			if shape := shapeOf(original.Inputs[0]); shape != nil {
				*n = *shapeConst(n.Name, shape, n.Attr["out_type"].GetType())
			}
		}
	}
	return newGraph(out.Output, out.Input, out.versions)
}

func shapeConst(name string, shape []int64, dtype types_go_proto.DataType) *Node {
	t := &tensor_go_proto.TensorProto{
		Dtype: dtype,
		TensorShape: &tensor_shape_go_proto.TensorShapeProto{
			Dim: []*tensor_shape_go_proto.TensorShapeProto_Dim{{Size: int64(len(shape))}},
		},
	}
	if dtype == types_go_proto.DataType_DT_INT64 {
		t.Int64Val = shape
		return constNode(name, t)
	}
	t.Dtype = types_go_proto.DataType_DT_INT32
	for _, d := range shape {
		t.IntVal = append(t.IntVal, int32(d))
	}
	return constNode(name, t)
}
