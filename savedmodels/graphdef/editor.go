package graphdef

import (
	"fmt"
	"maps"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// An editor makes nodes for a graph. The graph itself stays as it is until an output that needs them becomes its own.
type editor struct {
	prefix string
	count  int
	taken  map[string]bool
}

func newEditor(g *Graph, prefix string) *editor {
	e := &editor{prefix: prefix, taken: make(map[string]bool, len(g.Nodes))}
	for _, n := range g.Nodes {
		e.taken[n.Name] = true
	}
	return e
}

func (e *editor) node(op string, attr map[string]*attr_value_go_proto.AttrValue, inputs ...Tensor) Tensor {
	name := ""
	for name == "" || e.taken[name] {
		e.count++
		name = fmt.Sprintf("%s/%s_%d", e.prefix, op, e.count)
	}
	e.taken[name] = true
	return Tensor{&Node{Name: name, Op: op, Inputs: inputs, Attr: attr}, 0}
}

// add makes an op of one type, with broadcasting where it has several operands.
func (e *editor) add(op string, dtype types_go_proto.DataType, inputs ...Tensor) Tensor {
	return e.node(op, map[string]*attr_value_go_proto.AttrValue{"T": typeAttr(dtype)}, inputs...)
}

// float is the logits of a form in float32.
func (e *editor) float(f form) Tensor {
	if f.dtype == types_go_proto.DataType_DT_FLOAT {
		return f.logits
	}
	return e.node("Cast", map[string]*attr_value_go_proto.AttrValue{"SrcT": typeAttr(f.dtype), "DstT": typeAttr(f32)}, f.logits)
}

// number makes a scalar.
func (e *editor) number(v float64) Tensor {
	return e.constant(&tensor_go_proto.TensorProto{
		Dtype: f32, TensorShape: &tensor_shape_go_proto.TensorShapeProto{}, FloatVal: []float32{float32(v)},
	})
}

// ints makes a vector of int32.
func (e *editor) ints(v ...int64) Tensor {
	n := shapeConst("", v, types_go_proto.DataType_DT_INT32)
	return e.constant(n.Attr["value"].GetTensor())
}

func (e *editor) constant(t *tensor_go_proto.TensorProto) Tensor {
	return e.node("Const", constNode("", t).Attr)
}

// reduce reduces a float32 tensor over axes.
func (e *editor) reduce(op string, x Tensor, axes []int64, keep bool) Tensor {
	return e.node(op, map[string]*attr_value_go_proto.AttrValue{
		"T": typeAttr(f32), "Tidx": typeAttr(types_go_proto.DataType_DT_INT32), "keep_dims": boolAttr(keep),
	}, x, e.ints(axes...))
}

// concat joins float32 tensors.
func (e *editor) concat(parts []Tensor, axis int) Tensor {
	inputs := append(append([]Tensor(nil), parts...), e.scalar(axis))
	return e.node("ConcatV2", map[string]*attr_value_go_proto.AttrValue{
		"N": sizeAttr(len(parts)), "T": typeAttr(f32), "Tidx": typeAttr(types_go_proto.DataType_DT_INT32),
	}, inputs...)
}

// stack joins float32 tensors along a new dimension.
func (e *editor) stack(parts []Tensor, axis int) Tensor {
	return e.node("Pack", map[string]*attr_value_go_proto.AttrValue{
		"N": sizeAttr(len(parts)), "T": typeAttr(f32), "axis": sizeAttr(axis),
	}, parts...)
}

// gather takes columns of a float32 tensor.
func (e *editor) gather(x Tensor, columns []int, axis int) Tensor {
	indices := make([]int64, len(columns))
	for i, c := range columns {
		indices[i] = int64(c)
	}
	return e.node("GatherV2", map[string]*attr_value_go_proto.AttrValue{
		"Tparams": typeAttr(f32), "Tindices": typeAttr(types_go_proto.DataType_DT_INT32),
		"Taxis": typeAttr(types_go_proto.DataType_DT_INT32), "batch_dims": sizeAttr(0),
	}, x, e.ints(indices...), e.scalar(axis))
}

// largest is where along the last dimension the first of the largest values stands, a bool of the tensor's shape.
func (e *editor) largest(x Tensor, shape []int64) Tensor {
	const int32Type, boolType = types_go_proto.DataType_DT_INT32, types_go_proto.DataType_DT_BOOL
	at := e.node("ArgMax", map[string]*attr_value_go_proto.AttrValue{
		"T": typeAttr(f32), "Tidx": typeAttr(int32Type), "output_type": typeAttr(int32Type),
	}, x, e.scalar(len(shape)-1))
	truth := func(v bool) Tensor {
		return e.constant(&tensor_go_proto.TensorProto{
			Dtype: boolType, TensorShape: &tensor_shape_go_proto.TensorShapeProto{}, BoolVal: []bool{v},
		})
	}
	return e.node("OneHot", map[string]*attr_value_go_proto.AttrValue{
		"T": typeAttr(boolType), "TI": typeAttr(int32Type), "axis": sizeAttr(-1),
	}, at, e.scalar(int(shape[len(shape)-1])), truth(true), truth(false))
}

func (e *editor) scalar(v int) Tensor {
	return e.constant(scalar("", int32(v)).Attr["value"].GetTensor())
}

func boolAttr(v bool) *attr_value_go_proto.AttrValue {
	return &attr_value_go_proto.AttrValue{Value: &attr_value_go_proto.AttrValue_B{B: v}}
}

func sizeAttr(v int) *attr_value_go_proto.AttrValue {
	return &attr_value_go_proto.AttrValue{Value: &attr_value_go_proto.AttrValue_I{I: int64(v)}}
}

func cloneAttr(a map[string]*attr_value_go_proto.AttrValue) map[string]*attr_value_go_proto.AttrValue {
	if a == nil {
		return map[string]*attr_value_go_proto.AttrValue{}
	}
	return maps.Clone(a)
}

// redirects say which tensors stand in the place of others, as a graph is gone through in order.
type redirects map[Tensor]Tensor

// of is what stands in the place of t, or t itself.
func (r redirects) of(t Tensor) Tensor {
	if to, ok := r[t]; ok {
		return to
	}
	return t
}

// inputs has a node read what stands in the places of its inputs.
func (r redirects) inputs(n *Node) {
	for i, in := range n.Inputs {
		n.Inputs[i] = r.of(in)
	}
}
