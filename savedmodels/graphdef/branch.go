package graphdef

import (
	"fmt"
	"strings"

	"github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
)

// TensorFlow 1 writes tf.cond as Switch nodes, which pass a tensor on to one of two branches, and Merge nodes, which take it from
// the branch that ran. A node of the other branch is dead: none of its inputs, by data or by control, ever comes.

func (s *scope) deadNode(n *node_def_go_proto.NodeDef) *Node {
	refused := s.refuse(n, "it stands in the branch of a condition that is not taken")
	return &Node{Name: s.prefix + n.GetName(), Op: n.GetOp(), dead: true, refused: refused}
}

// isDead says whether a node of a body with such branches stands in one that is not taken.
func (s *scope) isDead(n *node_def_go_proto.NodeDef, inputs []Tensor) bool {
	if !s.branches {
		return false
	}
	for _, t := range inputs {
		if t.Node.dead {
			return true
		}
	}
	for _, control := range n.GetInput()[len(inputs):] {
		if i, ok := s.index[nodeName(control)]; ok {
			if done := s.done[i]; done.node != nil && done.node.dead {
				return true
			}
		}
	}
	return false
}

func inlineSwitch(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if err := count(s, n, inputs, 2); err != nil {
		return outputs{}, err
	}
	taken, known := in.decider.int(inputs[1])
	if !known {
		return outputs{}, s.refuse(n, pixelCondition)
	}
	list := []Tensor{inputs[0], {s.deadNode(n), 0}} // if false, if true
	if taken != 0 {
		list[0], list[1] = list[1], list[0]
	}
	return outputs{list: list}, nil
}

func inlineMerge(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	live := -1
	for i, t := range inputs {
		switch {
		case t.Node.dead:
		case live >= 0:
			return outputs{}, s.refuse(n, pixelCondition)
		default:
			live = i
		}
	}
	if live < 0 {
		return outputs{node: s.deadNode(n)}, nil
	}
	index := scalar(in.unique(s.prefix+n.GetName()+"/value_index"), int32(live))
	return outputs{list: []Tensor{inputs[live], {index, 0}}}, nil
}

// referenceVariable is a variable of TensorFlow 1, whose output is its value.
func referenceVariable(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	made, err := handle(in, s, n, inputs)
	if err != nil {
		return outputs{}, err
	}
	v := made.node.Variable
	read := &Node{Name: in.unique(v.Name + "/value"), Op: "ReadVariableOp", Variable: v}
	if v.Key == "" && v.Path == nil {
		read.refused = s.refuse(n, fmt.Sprintf("variable %q is not restored from the checkpoint", v.Name))
	}
	return outputs{node: read}, nil
}

// alone is the one tensor that an op of a list passes on unchanged: a split into one part, a concatenation or a sum of one.
func alone(n *node_def_go_proto.NodeDef, inputs []Tensor) (Tensor, bool) {
	parts, size := n.GetAttr()["num_split"].GetI(), n.GetAttr()["N"].GetI()
	switch {
	case n.GetOp() == "Split" && parts == 1 && len(inputs) == 2:
		return inputs[1], true
	case n.GetOp() == "SplitV" && parts == 1 && len(inputs) == 3:
		return inputs[0], true
	case n.GetOp() == "ConcatV2" && size == 1 && len(inputs) == 2, n.GetOp() == "AddN" && size == 1 && len(inputs) == 1:
		return inputs[0], true
	}
	return Tensor{}, false
}

// trainingArgument says whether a signature's input without a default switches training on, by its name and type.
func trainingArgument(a Argument) bool {
	name := strings.ToLower(a.Name)
	return TypeName(a.DType) == "bool" && len(a.Shape) == 0 &&
		(strings.Contains(name, "train") || strings.Contains(name, "learning_phase") || name == "phase")
}
