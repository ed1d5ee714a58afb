package graphdef

import (
	"encoding/binary"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	"upi/savedmodels/tensors"
)

// number reads a constant of one element, through casts and reshapes.
func number(t Tensor) (float64, bool) {
	for t.Node.Op == "Cast" || t.Node.Op == "Reshape" || t.Node.Op == "StopGradient" {
		t = t.Node.Inputs[0]
	}
	if t.Node.Op != "Const" {
		return 0, false
	}
	value := t.Node.Attr["value"].GetTensor()
	if count, err := tensors.Within(tensors.Shape(value.GetTensorShape()), 1); err != nil || count != 1 {
		return 0, false
	}
	if v, ok := floats(value); ok {
		switch {
		case len(v) == 1:
			return float64(v[0]), true
		case len(v) == 0:
			return 0, true
		}
		return 0, false
	}
	v, ok := values(value)
	if !ok || len(v) != 1 {
		return 0, false
	}
	return v[0], true
}

// integers reads a constant of integers of any length up to maxIntegers.
func integers(t Tensor) ([]int64, bool) {
	if t.Node.Op != "Const" {
		return nil, false
	}
	value := t.Node.Attr["value"].GetTensor()
	count, err := tensors.Within(tensors.Shape(value.GetTensorShape()), maxIntegers)
	if err != nil {
		return nil, false
	}
	var out []int64
	content := value.GetTensorContent()
	switch value.GetDtype() {
	case types_go_proto.DataType_DT_INT32:
		for ; len(content) >= 4; content = content[4:] {
			out = append(out, int64(int32(binary.LittleEndian.Uint32(content))))
		}
		for _, v := range value.GetIntVal() {
			out = append(out, int64(v))
		}
	case types_go_proto.DataType_DT_INT64:
		for ; len(content) >= 8; content = content[8:] {
			out = append(out, int64(binary.LittleEndian.Uint64(content)))
		}
		out = append(out, value.GetInt64Val()...)
	default:
		return nil, false
	}
	for int64(len(out)) < count {
		last := int64(0)
		if len(out) > 0 {
			last = out[len(out)-1]
		}
		out = append(out, last)
	}
	return out, int64(len(out)) == count
}

// maxIntegers is more than there are classes.
const maxIntegers = 1 << 20
