package xla

import (
	"errors"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	"google.golang.org/protobuf/encoding/protowire"
)

func typeAttr(t types_go_proto.DataType) *attr_value_go_proto.AttrValue {
	return &attr_value_go_proto.AttrValue{Value: &attr_value_go_proto.AttrValue_Type{Type: t}}
}

func intAttr(v int64) *attr_value_go_proto.AttrValue {
	return &attr_value_go_proto.AttrValue{Value: &attr_value_go_proto.AttrValue_I{I: v}}
}

func boolAttr(v bool) *attr_value_go_proto.AttrValue {
	return &attr_value_go_proto.AttrValue{Value: &attr_value_go_proto.AttrValue_B{B: v}}
}

func stringAttr(v string) *attr_value_go_proto.AttrValue {
	return &attr_value_go_proto.AttrValue{Value: &attr_value_go_proto.AttrValue_S{S: []byte(v)}}
}

func listAttr(v []int64) *attr_value_go_proto.AttrValue {
	list := &attr_value_go_proto.AttrValue_ListValue{I: v}
	return &attr_value_go_proto.AttrValue{Value: &attr_value_go_proto.AttrValue_List{List: list}}
}

// ints adds a vector of int32.
func (b *builder) ints(values ...int64) tensor { return b.matrix(values, int64(len(values))) }

// scalar adds one int32.
func (b *builder) scalar(v int64) tensor { return b.matrix([]int64{v}) }

func (b *builder) matrix(values []int64, shape ...int64) tensor {
	t := &tensor_go_proto.TensorProto{
		Dtype: types_go_proto.DataType_DT_INT32, TensorShape: &tensor_shape_go_proto.TensorShapeProto{},
	}
	for _, d := range shape {
		t.TensorShape.Dim = append(t.TensorShape.Dim, &tensor_shape_go_proto.TensorShapeProto_Dim{Size: d})
	}
	for _, v := range values {
		t.IntVal = append(t.IntVal, int32(v))
	}
	return b.constant(t)
}

// float adds one number of a floating type.
func (b *builder) float(v float32, t types_go_proto.DataType) tensor {
	c := b.constant(&tensor_go_proto.TensorProto{
		Dtype: types_go_proto.DataType_DT_FLOAT, TensorShape: &tensor_shape_go_proto.TensorShapeProto{}, FloatVal: []float32{v},
	})
	return b.cast(c, types_go_proto.DataType_DT_FLOAT, t)
}

func (b *builder) constant(t *tensor_go_proto.TensorProto) tensor {
	return b.op("Const", attrs{
		"dtype": typeAttr(t.GetDtype()), "value": {Value: &attr_value_go_proto.AttrValue_Tensor{Tensor: t}},
	})
}

// fields reads a message whose fields are whole numbers or lists of them, as the dimension numbers of XLA's operations are: by
// the number of the field.
func fields(message []byte) (map[protowire.Number][]int64, error) {
	bad := errors.New("its dimension numbers cannot be read")
	values := map[protowire.Number][]int64{}
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil, bad
		}
		message = message[n:]
		switch kind {
		case protowire.VarintType:
			v, n := protowire.ConsumeVarint(message)
			if n < 0 {
				return nil, bad
			}
			values[field] = append(values[field], int64(v))
			message = message[n:]
		case protowire.BytesType:
			packed, n := protowire.ConsumeBytes(message)
			if n < 0 {
				return nil, bad
			}
			message = message[n:]
			for len(packed) > 0 {
				v, n := protowire.ConsumeVarint(packed)
				if n < 0 {
					return nil, bad
				}
				values[field] = append(values[field], int64(v))
				packed = packed[n:]
			}
		default:
			return nil, bad
		}
	}
	return values, nil
}

// one is a field that is a single number; protocol buffers leave out a 0.
func one(v []int64) int64 {
	if len(v) == 0 {
		return 0
	}
	return v[0]
}
