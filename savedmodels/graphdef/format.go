package graphdef

import (
	"strconv"
	"strings"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// TypeName is NumPy's name of a TensorFlow type: float32, uint8.
func TypeName(t types_go_proto.DataType) string {
	switch t {
	case types_go_proto.DataType_DT_FLOAT:
		return "float32"
	case types_go_proto.DataType_DT_DOUBLE:
		return "float64"
	case types_go_proto.DataType_DT_HALF:
		return "float16"
	}
	return strings.ToLower(strings.TrimPrefix(t.String(), "DT_"))
}

// ShapeString shows a shape as [?,28,28,1], and one of open rank as [...].
func ShapeString(shape []int64) string {
	if shape == nil {
		return "[...]"
	}
	sizes := make([]string, len(shape))
	for i, d := range shape {
		sizes[i] = "?"
		if d >= 0 {
			sizes[i] = strconv.FormatInt(d, 10)
		}
	}
	return "[" + strings.Join(sizes, ",") + "]"
}

// DType is TensorFlow's number of an element type.
type DType = types_go_proto.DataType
