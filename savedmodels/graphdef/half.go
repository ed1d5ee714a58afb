package graphdef

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	"upi/float16"
)

// Widen returns the graph with float32 in place of the 16-bit floats: casts to them are gone, and constants and variables of theirs
// are cast once. The input is expected in float32 if it was one of them. wider is false, and the graph the original, where there is
// nothing to widen. Derivatives underflow in float16 where they do not in float32.
func (g *Graph) Widen() (wide *Graph, wider bool, err error) {
	out := g.clone()
	redirect := redirects{}
	for _, n := range out.Nodes {
		redirect.inputs(n)
		if n == out.Input {
			continue
		}
		if n.Variable != nil {
			if half(n.Variable.DType) {
				cast := &Node{Name: n.Name + "/wide", Op: "Cast", Inputs: []Tensor{{n, 0}}, Attr: map[string]*attr_value_go_proto.AttrValue{
					"SrcT": typeAttr(n.Variable.DType), "DstT": typeAttr(f32),
				}}
				redirect[Tensor{n, 0}] = Tensor{cast, 0}
				wider = true
			}
			continue
		}
		attr, changed := widened(n.Attr)
		if !changed {
			continue
		}
		wider = true
		if n.Op == "Bitcast" {
			return nil, false, fmt.Errorf("op Bitcast (node %q) looks at the bits of a 16-bit float", n.Name)
		}
		if n.Op == "Const" {
			t, err := wideTensor(n.Attr["value"].GetTensor())
			if err != nil {
				return nil, false, fmt.Errorf("constant %q: %w", n.Name, err)
			}
			attr["value"] = &attr_value_go_proto.AttrValue{Value: &attr_value_go_proto.AttrValue_Tensor{Tensor: t}}
		}
		n.Attr = attr
		if n.Op == "Cast" && len(n.Inputs) == 1 && attr["SrcT"].GetType() == attr["DstT"].GetType() {
			redirect[Tensor{n, 0}] = n.Inputs[0]
		}
	}
	if !wider {
		return g, false, nil
	}
	out.Output = redirect.of(out.Output)
	wide, err = newGraph(out.Output, out.Input, out.versions)
	return wide, true, err
}

func half(t types_go_proto.DataType) bool {
	return t == types_go_proto.DataType_DT_HALF || t == types_go_proto.DataType_DT_BFLOAT16
}

// widened replaces the 16-bit floats among a node's types.
func widened(attr map[string]*attr_value_go_proto.AttrValue) (map[string]*attr_value_go_proto.AttrValue, bool) {
	out := maps.Clone(attr)
	changed := false
	for name, a := range attr {
		if half(a.GetType()) {
			out[name], changed = typeAttr(f32), true
		}
		if types := a.GetList().GetType(); slices.ContainsFunc(types, half) {
			list := slices.Clone(types)
			for i := range list {
				if half(list[i]) {
					list[i] = f32
				}
			}
			out[name] = &attr_value_go_proto.AttrValue{Value: &attr_value_go_proto.AttrValue_List{
				List: &attr_value_go_proto.AttrValue_ListValue{Type: list},
			}}
			changed = true
		}
	}
	return out, changed
}

// wideTensor is a constant of 16-bit floats in float32.
func wideTensor(t *tensor_go_proto.TensorProto) (*tensor_go_proto.TensorProto, error) {
	values, ok := floats(t)
	if !ok {
		return nil, fmt.Errorf("%v cannot be read as numbers", t.GetDtype())
	}
	return &tensor_go_proto.TensorProto{Dtype: f32, TensorShape: t.GetTensorShape(), FloatVal: values}, nil
}

// floats reads the values of a constant of floats, as many as it has: the last one given stands for all that follow.
func floats(t *tensor_go_proto.TensorProto) ([]float32, bool) {
	var out []float32
	content := t.GetTensorContent()
	switch t.GetDtype() {
	case types_go_proto.DataType_DT_HALF, types_go_proto.DataType_DT_BFLOAT16:
		decode := float16.Value
		if t.GetDtype() == types_go_proto.DataType_DT_BFLOAT16 {
			decode = func(bits uint16) float32 { return math.Float32frombits(uint32(bits) << 16) }
		}
		for ; len(content) >= 2; content = content[2:] {
			out = append(out, decode(binary.LittleEndian.Uint16(content)))
		}
		for _, bits := range t.GetHalfVal() {
			out = append(out, decode(uint16(bits)))
		}
	case types_go_proto.DataType_DT_FLOAT:
		for ; len(content) >= 4; content = content[4:] {
			out = append(out, math.Float32frombits(binary.LittleEndian.Uint32(content)))
		}
		out = append(out, t.GetFloatVal()...)
	case types_go_proto.DataType_DT_DOUBLE:
		for ; len(content) >= 8; content = content[8:] {
			out = append(out, float32(math.Float64frombits(binary.LittleEndian.Uint64(content))))
		}
		for _, v := range t.GetDoubleVal() {
			out = append(out, float32(v))
		}
	default:
		return nil, false
	}
	return out, true
}
