package graphdef

import (
	"fmt"
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

func reserveList(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if err := count(s, n, inputs, 2); err != nil {
		return outputs{}, err
	}
	length, err := in.length(s, n, inputs[1])
	if err != nil {
		return outputs{}, err
	}
	l := &tensorList{dtype: n.GetAttr()["element_dtype"].GetType(), shape: inputs[0], elements: make([]Tensor, length)}
	return outputs{list: []Tensor{s.list(n, l)}}, nil
}

func emptyList(_ *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if err := count(s, n, inputs, 2); err != nil {
		return outputs{}, err
	}
	l := &tensorList{dtype: n.GetAttr()["element_dtype"].GetType(), shape: inputs[0]}
	return outputs{list: []Tensor{s.list(n, l)}}, nil
}

// listFromTensor cuts a tensor along its first dimension.
func listFromTensor(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if err := count(s, n, inputs, 2); err != nil {
		return outputs{}, err
	}
	dtype := n.GetAttr()["element_dtype"].GetType()
	elements, err := in.unpack(s, n, inputs[0], dtype)
	if err != nil {
		return outputs{}, err
	}
	return outputs{list: []Tensor{s.list(n, &tensorList{dtype: dtype, shape: inputs[1], elements: elements})}}, nil
}

func setItem(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if err := count(s, n, inputs, 3); err != nil {
		return outputs{}, err
	}
	l, err := in.listOf(s, n, inputs[0])
	if err != nil {
		return outputs{}, err
	}
	elements := slices.Clone(l.elements)
	if i, known := in.decider.int(inputs[1]); known && n.GetAttr()["resize_if_index_out_of_bounds"].GetB() && i >= len(elements) && i < maxListElements {
		elements = append(elements, make([]Tensor, i+1-len(elements))...)
	}
	i, err := in.position(s, n, inputs[1], len(elements))
	if err != nil {
		return outputs{}, err
	}
	elements[i] = inputs[2]
	in.budget -= len(elements) / 16
	return outputs{list: []Tensor{s.list(n, &tensorList{dtype: l.dtype, shape: l.shape, elements: elements})}}, nil
}

func getItem(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if err := count(s, n, inputs, 3); err != nil {
		return outputs{}, err
	}
	l, err := in.listOf(s, n, inputs[0])
	if err != nil {
		return outputs{}, err
	}
	i, err := in.position(s, n, inputs[1], len(l.elements))
	if err != nil {
		return outputs{}, err
	}
	element, err := in.element(s, n, l, i, inputs[2])
	return outputs{list: []Tensor{element}}, err
}

func pushBack(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if err := count(s, n, inputs, 2); err != nil {
		return outputs{}, err
	}
	l, err := in.listOf(s, n, inputs[0])
	if err != nil {
		return outputs{}, err
	}
	if len(l.elements) == maxListElements {
		return outputs{}, s.refuse(n, fmt.Sprintf("a list of more than %d tensors", maxListElements))
	}
	elements := append(slices.Clone(l.elements), inputs[1])
	in.budget -= len(elements) / 16
	return outputs{list: []Tensor{s.list(n, &tensorList{dtype: l.dtype, shape: l.shape, elements: elements})}}, nil
}

func popBack(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if err := count(s, n, inputs, 2); err != nil {
		return outputs{}, err
	}
	l, err := in.listOf(s, n, inputs[0])
	if err != nil {
		return outputs{}, err
	}
	last := len(l.elements) - 1
	if last < 0 {
		return outputs{}, s.refuse(n, "its list is empty")
	}
	element, err := in.element(s, n, l, last, inputs[1])
	rest := &tensorList{dtype: l.dtype, shape: l.shape, elements: l.elements[:last:last]}
	return outputs{list: []Tensor{s.list(n, rest), element}}, err
}

func stackList(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if err := count(s, n, inputs, 2); err != nil {
		return outputs{}, err
	}
	l, err := in.listOf(s, n, inputs[0])
	if err != nil {
		return outputs{}, err
	}
	elements, err := in.all(s, n, l, inputs[1])
	return outputs{list: []Tensor{in.pack(s, n, l, elements)}}, err
}

// concatList joins the elements along their first dimension.
func concatList(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if err := count(s, n, inputs, 3); err != nil {
		return outputs{}, err
	}
	l, err := in.listOf(s, n, inputs[0])
	if err != nil {
		return outputs{}, err
	}
	elements, err := in.all(s, n, l, inputs[1])
	if err != nil {
		return outputs{}, err
	}
	lengths := make([]int64, len(elements))
	for i, element := range elements {
		shape := in.decider.shape(element)
		if len(shape) == 0 {
			return outputs{}, s.refuse(n, "the length of an element of its list is not known")
		}
		lengths[i] = shape[0]
	}
	joined := elements[0]
	name := s.prefix + n.GetName()
	if len(elements) > 1 {
		axis := scalar(in.unique(name+"/axis"), 0)
		joined = Tensor{&Node{Name: in.unique(name), Op: "ConcatV2", Inputs: append(slices.Clone(elements), Tensor{axis, 0}),
			Attr: map[string]*attr_value_go_proto.AttrValue{
				"T": typeAttr(l.dtype), "Tidx": typeAttr(types_go_proto.DataType_DT_INT32), "N": intAttr(int64(len(elements))),
			}}, 0}
	}
	return outputs{list: []Tensor{joined, {shapeConst(in.unique(name+"/lengths"), lengths, types_go_proto.DataType_DT_INT64), 0}}}, nil
}

func listLength(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if err := count(s, n, inputs, 1); err != nil {
		return outputs{}, err
	}
	l, err := in.listOf(s, n, inputs[0])
	if err != nil {
		return outputs{}, err
	}
	return outputs{node: scalar(in.unique(s.prefix+n.GetName()), int32(len(l.elements)))}, nil
}

func listElementShape(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if err := count(s, n, inputs, 1); err != nil {
		return outputs{}, err
	}
	l, err := in.listOf(s, n, inputs[0])
	if err != nil {
		return outputs{}, err
	}
	return outputs{list: []Tensor{l.shape}}, nil
}

func gatherList(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if err := count(s, n, inputs, 3); err != nil {
		return outputs{}, err
	}
	l, err := in.listOf(s, n, inputs[0])
	if err != nil {
		return outputs{}, err
	}
	indices, known := in.decider.fold(inputs[1])
	if !known || len(indices) == 0 {
		return outputs{}, s.refuse(n, "its positions in the list are not constants")
	}
	elements := make([]Tensor, len(indices))
	for k, index := range indices {
		if index < 0 || int(index) >= len(l.elements) {
			return outputs{}, s.refuse(n, fmt.Sprintf("position %g of a list of %d", index, len(l.elements)))
		}
		if elements[k], err = in.element(s, n, l, int(index), inputs[2]); err != nil {
			return outputs{}, err
		}
	}
	return outputs{list: []Tensor{in.pack(s, n, l, elements)}}, nil
}

// scatterList makes a list of the slices of a tensor, each at the position that the indices say.
func scatterList(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if err := count(s, n, inputs, 4); err != nil {
		return outputs{}, err
	}
	dtype := n.GetAttr()["element_dtype"].GetType()
	slicesOf, err := in.unpack(s, n, inputs[0], dtype)
	if err != nil {
		return outputs{}, err
	}
	indices, known := in.decider.fold(inputs[1])
	length, fixed := in.decider.int(inputs[3])
	if !known || !fixed || len(indices) != len(slicesOf) {
		return outputs{}, s.refuse(n, "its positions in the list are not constants")
	}
	for _, index := range indices {
		length = max(length, int(index)+1)
	}
	if length > maxListElements || slices.ContainsFunc(indices, func(i float64) bool { return i < 0 }) {
		return outputs{}, s.refuse(n, fmt.Sprintf("its positions do not lie in a list of at most %d tensors", maxListElements))
	}
	elements := make([]Tensor, length)
	for k, index := range indices {
		elements[int(index)] = slicesOf[k]
	}
	return outputs{list: []Tensor{s.list(n, &tensorList{dtype: dtype, shape: inputs[2], elements: elements})}}, nil
}

func resizeList(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if err := count(s, n, inputs, 2); err != nil {
		return outputs{}, err
	}
	l, err := in.listOf(s, n, inputs[0])
	if err != nil {
		return outputs{}, err
	}
	length, err := in.length(s, n, inputs[1])
	if err != nil {
		return outputs{}, err
	}
	elements := make([]Tensor, length)
	copy(elements, l.elements)
	return outputs{list: []Tensor{s.list(n, &tensorList{dtype: l.dtype, shape: l.shape, elements: elements})}}, nil
}
