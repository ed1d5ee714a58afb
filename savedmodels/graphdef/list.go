package graphdef

import (
	"fmt"
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	"upi/savedmodels/tensors"
)

// maxListElements bounds a list of tensors. A loop fills one element at each turn.
const maxListElements = maxTurns

// tensorList is what a list of TensorFlow (a TensorArray of Python) holds while loops are unrolled. Lists are values: an op that
// changes one makes another.
type tensorList struct {
	dtype    types_go_proto.DataType
	shape    Tensor   // of an element, as an int32 or int64 vector
	elements []Tensor // Node nil: not set, which stands for zeros
}

// listRules are the ops on lists. Positions and lengths must be known; the lists themselves leave no trace in the flat graph.
func listRules() map[string]inlineRule {
	return map[string]inlineRule{
		"TensorListReserve":      reserveList,
		"EmptyTensorList":        emptyList,
		"TensorListFromTensor":   listFromTensor,
		"TensorListSetItem":      setItem,
		"TensorListGetItem":      getItem,
		"TensorListPushBack":     pushBack,
		"TensorListPopBack":      popBack,
		"TensorListStack":        stackList,
		"TensorListConcatV2":     concatList,
		"TensorListLength":       listLength,
		"TensorListElementShape": listElementShape,
		"TensorListGather":       gatherList,
		"TensorListScatterV2":    scatterList,
		"TensorListResize":       resizeList,
	}
}

// list makes the tensor that stands for a list. Nothing but the rules above may take it.
func (s *scope) list(n *node_def_go_proto.NodeDef, l *tensorList) Tensor {
	refused := s.refuse(n, "a list of tensors is an input of another op than those on lists")
	return Tensor{Node: &Node{Name: s.prefix + n.GetName(), Op: n.GetOp(), list: l, refused: refused}}
}

func (in *inliner) listOf(s *scope, n *node_def_go_proto.NodeDef, t Tensor) (*tensorList, error) {
	if t.Node.list == nil {
		if t.Node.refused != nil {
			return nil, t.Node.refused
		}
		return nil, s.refuse(n, "its list is not made by an op on lists")
	}
	return t.Node.list, nil
}

// position is a known position in a list of a given length.
func (in *inliner) position(s *scope, n *node_def_go_proto.NodeDef, t Tensor, length int) (int, error) {
	i, known := in.decider.int(t)
	if !known {
		return 0, s.refuse(n, "its position in the list is not a constant")
	}
	if i < 0 || i >= length {
		return 0, s.refuse(n, fmt.Sprintf("position %d of a list of %d", i, length))
	}
	return i, nil
}

func (in *inliner) length(s *scope, n *node_def_go_proto.NodeDef, t Tensor) (int, error) {
	length, known := in.decider.int(t)
	if !known {
		return 0, s.refuse(n, "the length of its list is not a constant and does not follow from the image's shape")
	}
	if length < 0 || length > maxListElements {
		return 0, s.refuse(n, fmt.Sprintf("a list of %d tensors, more than %d", length, maxListElements))
	}
	in.budget -= length / 16
	return length, nil
}

// element is one of a list, zeros of the list's or the given shape if it was never set.
func (in *inliner) element(s *scope, n *node_def_go_proto.NodeDef, l *tensorList, i int, shape Tensor) (Tensor, error) {
	if l.elements[i].Node != nil {
		return l.elements[i], nil
	}
	for _, from := range []Tensor{l.shape, shape} {
		dims, known := in.decider.fold(from)
		if !known || slices.ContainsFunc(dims, func(d float64) bool { return d < 0 }) {
			continue
		}
		sizes := make([]int64, len(dims))
		for k, d := range dims {
			sizes[k] = int64(d)
		}
		return in.zeros(s, n, l.dtype, sizes)
	}
	for _, other := range l.elements {
		if other.Node == nil {
			continue
		}
		if dims := in.decider.shape(other); dims != nil {
			return in.zeros(s, n, l.dtype, dims)
		}
	}
	return Tensor{}, s.refuse(n, "an element of its list that was never set has an unknown shape")
}

func (in *inliner) zeros(s *scope, n *node_def_go_proto.NodeDef, dtype types_go_proto.DataType, shape []int64) (Tensor, error) {
	if _, err := tensors.Within(shape, maxConstElements); err != nil {
		return Tensor{}, s.refuse(n, err.Error())
	}
	dims := make([]*tensor_shape_go_proto.TensorShapeProto_Dim, len(shape))
	for i, d := range shape {
		dims[i] = &tensor_shape_go_proto.TensorShapeProto_Dim{Size: d}
	}
	// No value at all means zeros, whatever the type.
	zero := &tensor_go_proto.TensorProto{Dtype: dtype, TensorShape: &tensor_shape_go_proto.TensorShapeProto{Dim: dims}}
	return Tensor{constNode(in.unique(s.prefix+n.GetName()+"/zeros"), zero), 0}, nil
}

// all are the elements of a list, all of them set.
func (in *inliner) all(s *scope, n *node_def_go_proto.NodeDef, l *tensorList, shape Tensor) ([]Tensor, error) {
	if len(l.elements) == 0 {
		return nil, s.refuse(n, "its list is empty")
	}
	in.budget -= len(l.elements)
	set := make([]Tensor, len(l.elements))
	for i := range set {
		var err error
		if set[i], err = in.element(s, n, l, i, shape); err != nil {
			return nil, err
		}
	}
	return set, nil
}

func (in *inliner) pack(s *scope, n *node_def_go_proto.NodeDef, l *tensorList, elements []Tensor) Tensor {
	return Tensor{&Node{Name: in.unique(s.prefix + n.GetName()), Op: "Pack", Inputs: elements, Attr: map[string]*attr_value_go_proto.AttrValue{
		"T": typeAttr(l.dtype), "N": intAttr(int64(len(elements))), "axis": intAttr(0),
	}}, 0}
}

func (in *inliner) unpack(s *scope, n *node_def_go_proto.NodeDef, t Tensor, dtype types_go_proto.DataType) ([]Tensor, error) {
	shape := in.decider.shape(t)
	if len(shape) == 0 {
		return nil, s.refuse(n, "the length of its list is not a constant and does not follow from the image's shape")
	}
	if shape[0] > maxListElements {
		return nil, s.refuse(n, fmt.Sprintf("a list of %d tensors, more than %d", shape[0], maxListElements))
	}
	if shape[0] == 0 {
		return nil, nil
	}
	flat := &Node{Name: in.unique(s.prefix + n.GetName() + "/unpack"), Op: "Unpack", Inputs: []Tensor{t}, Attr: map[string]*attr_value_go_proto.AttrValue{
		"T": typeAttr(dtype), "num": intAttr(shape[0]), "axis": intAttr(0),
	}}
	in.budget -= int(shape[0])
	elements := make([]Tensor, shape[0])
	for i := range elements {
		elements[i] = Tensor{flat, i}
	}
	return elements, nil
}

func count(s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor, want int) error {
	if len(inputs) != want {
		return fmt.Errorf("node %q %shas %d inputs, not %d", n.GetName(), s.where(), len(inputs), want)
	}
	return nil
}

func intAttr(v int64) *attr_value_go_proto.AttrValue {
	return &attr_value_go_proto.AttrValue{Value: &attr_value_go_proto.AttrValue_I{I: v}}
}
