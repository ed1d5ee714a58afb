package graphdef

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	"upi/savedmodels/tensors"
)

// maxConstElements bounds a constant that is written as one value and a shape, which TensorFlow expands on import.
const maxConstElements = 1 << 28

// checkConst makes sure that a constant's value fits its shape before TensorFlow allocates it.
func checkConst(n *node_def_go_proto.NodeDef) error {
	t := n.GetAttr()["value"].GetTensor()
	if dtype := n.GetAttr()["dtype"].GetType(); dtype != t.GetDtype() {
		// TensorFlow believes the attribute and aborts the process when it reads the value.
		return fmt.Errorf("constant %q of type %v has a value of type %v", n.GetName(), dtype, t.GetDtype())
	}
	return checkTensor(n.GetName(), t)
}

func checkTensor(name string, t *tensor_go_proto.TensorProto) error {
	if t == nil || t.GetTensorShape().GetUnknownRank() {
		return fmt.Errorf("constant %q has no value or no shape", name)
	}
	count, err := tensors.Within(tensors.Shape(t.GetTensorShape()), maxConstElements)
	if err != nil {
		return fmt.Errorf("constant %q: %w", name, err)
	}
	size, known := tensors.ElementBytes[t.GetDtype()]
	if content := len(t.GetTensorContent()); known && content > 0 && int64(content) != count*size {
		return fmt.Errorf("constant %q: %d bytes for %d elements of %v", name, content, count, t.GetDtype())
	}
	return nil
}

// values reads a small numeric constant. The last value given stands for all that follow, as in TensorFlow.
func values(t *tensor_go_proto.TensorProto) ([]float64, bool) {
	count, err := tensors.Within(tensors.Shape(t.GetTensorShape()), maxFoldElements)
	if err != nil || t.GetTensorShape().GetUnknownRank() {
		return nil, false
	}
	var given []float64
	switch t.GetDtype() {
	case types_go_proto.DataType_DT_INT32:
		given = widen(t.GetIntVal())
	case types_go_proto.DataType_DT_INT64:
		given = widen(t.GetInt64Val())
	case types_go_proto.DataType_DT_FLOAT:
		given = widen(t.GetFloatVal())
	case types_go_proto.DataType_DT_BOOL:
		for _, v := range t.GetBoolVal() {
			given = append(given, truth(v))
		}
	default:
		return nil, false
	}
	if content := t.GetTensorContent(); len(content) > 0 {
		if given = unpack(content, t.GetDtype()); int64(len(given)) != count {
			return nil, false
		}
	}
	if int64(len(given)) > count {
		return nil, false
	}
	for int64(len(given)) < count {
		last := 0.0
		if len(given) > 0 {
			last = given[len(given)-1]
		}
		given = append(given, last)
	}
	return given, true
}

// Ints returns the values of a small constant, such as the axes of a reduction. known is false for every other tensor.
func (t Tensor) Ints() (ints []int64, known bool) {
	if t.Node.Op != "Const" {
		return nil, false
	}
	given, known := values(t.Node.Attr["value"].GetTensor())
	for _, v := range given {
		ints = append(ints, int64(v))
	}
	return ints, known
}

func unpack(content []byte, dtype types_go_proto.DataType) []float64 {
	size := int(tensors.ElementBytes[dtype])
	out := make([]float64, 0, len(content)/size)
	for ; len(content) >= size; content = content[size:] {
		switch dtype {
		case types_go_proto.DataType_DT_INT32:
			out = append(out, float64(int32(binary.LittleEndian.Uint32(content))))
		case types_go_proto.DataType_DT_INT64:
			out = append(out, float64(int64(binary.LittleEndian.Uint64(content))))
		case types_go_proto.DataType_DT_FLOAT:
			out = append(out, float64(math.Float32frombits(binary.LittleEndian.Uint32(content))))
		case types_go_proto.DataType_DT_BOOL:
			out = append(out, truth(content[0] != 0))
		}
	}
	return out
}

func widen[T int32 | int64 | float32](in []T) []float64 {
	out := make([]float64, len(in))
	for i, v := range in {
		out[i] = float64(v)
	}
	return out
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// scalar makes a constant int32.
func scalar(name string, v int32) *Node {
	return constNode(name, &tensor_go_proto.TensorProto{
		Dtype: types_go_proto.DataType_DT_INT32, TensorShape: &tensor_shape_go_proto.TensorShapeProto{}, IntVal: []int32{v},
	})
}

func constNode(name string, t *tensor_go_proto.TensorProto) *Node {
	return &Node{Name: name, Op: "Const", Attr: map[string]*attr_value_go_proto.AttrValue{
		"dtype": typeAttr(t.GetDtype()), "value": {Value: &attr_value_go_proto.AttrValue_Tensor{Tensor: t}},
	}}
}

func typeAttr(t types_go_proto.DataType) *attr_value_go_proto.AttrValue {
	return &attr_value_go_proto.AttrValue{Value: &attr_value_go_proto.AttrValue_Type{Type: t}}
}
