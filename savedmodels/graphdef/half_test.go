package graphdef

import (
	"slices"
	"testing"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// TestWiden: casts to 16-bit floats are gone, constants and the types of ops are float32, variables are cast.
func TestWiden(t *testing.T) {
	half, float := types_go_proto.DataType_DT_HALF, types_go_proto.DataType_DT_FLOAT
	types := func(pairs ...any) map[string]*attr_value_go_proto.AttrValue {
		attr := map[string]*attr_value_go_proto.AttrValue{}
		for i := 0; i < len(pairs); i += 2 {
			attr[pairs[i].(string)] = typeAttr(pairs[i+1].(types_go_proto.DataType))
		}
		return attr
	}
	input := &Node{Name: "image", Op: "Placeholder"}
	down := &Node{Name: "down", Op: "Cast", Inputs: []Tensor{{input, 0}}, Attr: types("SrcT", float, "DstT", half)}
	third := constNode("third", &tensor_go_proto.TensorProto{Dtype: half, HalfVal: []int32{0x3555}})
	kernel := &Node{Name: "kernel", Op: "Placeholder", Variable: &Variable{Name: "kernel", DType: half}}
	scaled := &Node{Name: "scaled", Op: "Mul", Inputs: []Tensor{{down, 0}, {third, 0}}, Attr: types("T", half)}
	product := &Node{Name: "product", Op: "Mul", Inputs: []Tensor{{scaled, 0}, {kernel, 0}}, Attr: types("T", half)}
	up := &Node{Name: "up", Op: "Cast", Inputs: []Tensor{{product, 0}}, Attr: types("SrcT", half, "DstT", float)}
	g, err := newGraph(Tensor{up, 0}, input, nil)
	if err != nil {
		t.Fatal(err)
	}
	wide, wider, err := g.Widen()
	if err != nil || !wider {
		t.Fatal(wider, err)
	}
	var names []string
	for _, n := range wide.Nodes {
		names = append(names, n.Name)
		for attr, a := range n.Attr {
			if a.GetType() == half && n.Name != "kernel/wide" {
				t.Errorf("%s: %s is still float16", n.Name, attr)
			}
		}
		if n.Name == "third" && n.Attr["value"].GetTensor().GetFloatVal()[0] != 0.333251953125 {
			t.Errorf("the constant is %v", n.Attr["value"])
		}
	}
	slices.Sort(names)
	if want := []string{"image", "kernel", "kernel/wide", "product", "scaled", "third"}; !slices.Equal(names, want) {
		t.Errorf("nodes %q, want %q", names, want)
	}
	if wide.Output.Node.Name != "product" || g.Output.Node != up || up.Inputs[0].Node.Attr["T"].GetType() != half {
		t.Error("the output is not the product, or the original has changed")
	}
	if again, wider, err := wide.Widen(); wider && again == wide || err != nil {
		t.Errorf("a second time: %v %v", wider, err)
	}
}
