// Package tensors counts: the elements of a shape and the bytes of an element, as TensorFlow's files write shapes and types.
package tensors

import (
	"fmt"

	"github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// ElementBytes are the bytes of one element, of the types of numbers and booleans that networks have.
var ElementBytes = map[types_go_proto.DataType]int64{
	types_go_proto.DataType_DT_FLOAT: 4, types_go_proto.DataType_DT_DOUBLE: 8, types_go_proto.DataType_DT_HALF: 2,
	types_go_proto.DataType_DT_BFLOAT16: 2, types_go_proto.DataType_DT_INT8: 1, types_go_proto.DataType_DT_UINT8: 1,
	types_go_proto.DataType_DT_INT16: 2, types_go_proto.DataType_DT_UINT16: 2, types_go_proto.DataType_DT_INT32: 4,
	types_go_proto.DataType_DT_UINT32: 4, types_go_proto.DataType_DT_INT64: 8, types_go_proto.DataType_DT_UINT64: 8,
	types_go_proto.DataType_DT_BOOL: 1,
}

// Shape is the sizes of a shape of known rank, -1 for an open one; never nil.
func Shape(s *tensor_shape_go_proto.TensorShapeProto) []int64 {
	shape := make([]int64, 0, len(s.GetDim()))
	for _, d := range s.GetDim() {
		shape = append(shape, d.GetSize())
	}
	return shape
}

// Elements is the number of elements of a shape without open sizes, that of a tensor that is there: it may overflow for one that a
// file merely claims.
func Elements(shape []int64) int64 {
	count := int64(1)
	for _, d := range shape {
		count *= d
	}
	return count
}

// Within is the number of elements of a shape that may be anything. It is an error if a size is negative or the product above limit.
func Within(shape []int64, limit int64) (int64, error) {
	count := int64(1)
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %v has a dimension of unknown size", shape)
		}
		if d != 0 && count > limit/d {
			return 0, fmt.Errorf("shape %v has more than %d elements", shape, limit)
		}
		count *= d
	}
	return count, nil
}
