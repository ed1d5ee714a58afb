package graphdef

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	"upi/savedmodels/tensors"
)

// inlineRule does away with a node: it says what the node's outputs are in the flat graph.
type inlineRule func(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error)

// inlineRules are the ops that the flat graph does without. It is a function because the rules themselves inline.
func inlineRules() map[string]inlineRule {
	rules := map[string]inlineRule{
		"Identity":                pass,
		"IdentityN":               custom,
		"Snapshot":                pass,
		"PreventGradient":         pass,
		"EnsureShape":             pass, // every shape is known once the batch is
		"CheckNumerics":           pass,
		"PlaceholderWithDefault":  placeholder,
		"Placeholder":             placeholder,
		"PartitionedCall":         inlineCall,
		"StatefulPartitionedCall": inlineCall,
		"If":                      inlineIf,
		"StatelessIf":             inlineIf,
		"Case":                    inlineCase,
		"StatelessCase":           inlineCase,
		"While":                   inlineWhile,
		"StatelessWhile":          inlineWhile,
		"VarHandleOp":             handle,
		"ReadVariableOp":          readVariable,
		"ResourceGather":          gatherVariable,
		"Switch":                  inlineSwitch,
		"Merge":                   inlineMerge,
		"RefSwitch":               inlineSwitch,
		"RefMerge":                inlineMerge,
		"Variable":                referenceVariable,
		"VariableV2":              referenceVariable,
	}
	maps.Copy(rules, listRules())
	return rules
}

func pass(_ *inliner, _ *scope, _ *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	return outputs{list: inputs}, nil
}

// custom passes an op over that carries a gradient of Python's own. That of swish, which Keras writes, is the derivative of the ops
// before it; any other may differ from it, such as a straight-through estimator.
func custom(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if strings.HasPrefix(string(n.GetAttr()["_gradient_op_type"].GetS()), "CustomGradient") && !swish(inputs) {
		in.custom = append(in.custom, s.prefix+n.GetName())
	}
	return outputs{list: inputs}, nil
}

func swish(inputs []Tensor) bool {
	return len(inputs) > 0 && inputs[0].Node.Op == "Mul" && slices.ContainsFunc(inputs[0].Node.Inputs, func(t Tensor) bool { return t.Node.Op == "Sigmoid" })
}

func placeholder(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if s.name == "" && n.GetName() == in.image {
		in.input.Attr = in.attrs(s, n)
		return outputs{node: in.input}, nil
	}
	if given := in.defaults[n.GetName()]; s.name == "" && given != nil {
		return outputs{node: given}, nil
	}
	if n.GetOp() == "PlaceholderWithDefault" {
		return outputs{list: inputs}, nil
	}
	return outputs{}, s.refuse(n, "an input without a default, beside the image")
}

func inlineCall(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	f := n.GetAttr()["f"].GetFunc()
	list, err := in.call(s.prefix+n.GetName(), f.GetName(), inputs, f.GetAttr())
	return outputs{list: list}, err
}

// pixelCondition is why a condition cannot be decided: neither a constant nor a shape is behind it.
const pixelCondition = "its condition is not a constant and does not follow from the image's shape, so the graph has no single gradient"

func inlineIf(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if len(inputs) == 0 {
		return outputs{}, fmt.Errorf("node %q %shas no condition", n.GetName(), s.where())
	}
	condition, known := in.decider.fold(inputs[0])
	if !known || len(condition) != 1 {
		return outputs{}, s.refuse(n, pixelCondition)
	}
	branch := "then_branch"
	if condition[0] == 0 {
		branch = "else_branch"
	}
	f := n.GetAttr()[branch].GetFunc()
	list, err := in.call(s.prefix+n.GetName(), f.GetName(), inputs[1:], f.GetAttr())
	return outputs{list: list}, err
}

func inlineCase(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	branches := n.GetAttr()["branches"].GetList().GetFunc()
	if len(inputs) == 0 || len(branches) == 0 {
		return outputs{}, fmt.Errorf("node %q %shas no branches", n.GetName(), s.where())
	}
	index, known := in.decider.fold(inputs[0])
	if !known || len(index) != 1 {
		return outputs{}, s.refuse(n, pixelCondition)
	}
	// Out of range means the last branch: the op's definition.
	k := len(branches) - 1
	if index[0] >= 0 && index[0] < float64(k) {
		k = int(index[0])
	}
	list, err := in.call(s.prefix+n.GetName(), branches[k].GetName(), inputs[1:], branches[k].GetAttr())
	return outputs{list: list}, err
}

func handle(in *inliner, s *scope, n *node_def_go_proto.NodeDef, _ []Tensor) (outputs, error) {
	if s.name != "" {
		return outputs{}, s.refuse(n, "a variable made inside a function")
	}
	v := &Variable{Name: n.GetName(), Key: in.keys[n.GetName()], Path: in.paths[n.GetName()], DType: n.GetAttr()["dtype"].GetType()}
	shape := n.GetAttr()["shape"].GetShape()
	if shape != nil && !shape.GetUnknownRank() {
		v.Shape = tensors.Shape(shape)
	}
	flat := &Node{Name: n.GetName(), Op: n.GetOp(), Variable: v}
	flat.refused = s.refuse(n, "the variable itself, and not its value, is an input of an op")
	return outputs{node: flat}, nil
}

func readVariable(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if len(inputs) != 1 || inputs[0].Node.Op != "VarHandleOp" {
		return outputs{}, s.refuse(n, "it reads something that is not a variable")
	}
	if changed := s.changedBefore(n); changed != "" {
		return outputs{}, s.refuse(n, fmt.Sprintf("the same call has changed the variable by then (node %q); "+
			"save the model for inference (training=False)", changed))
	}
	from := inputs[0].Node
	if dtype := n.GetAttr()["dtype"].GetType(); dtype != from.Variable.DType {
		return outputs{}, fmt.Errorf("node %q %sreads variable %q of type %v as %v", n.GetName(), s.where(), from.Name, from.Variable.DType, dtype)
	}
	read := in.reads[from]
	if read == nil {
		read = &Node{Name: in.unique(from.Name + "/value"), Op: "ReadVariableOp", Variable: from.Variable}
		if from.Variable.Key == "" && from.Variable.Path == nil {
			read.refused = s.refuse(n, fmt.Sprintf("variable %q is not restored from the checkpoint", from.Name))
		}
		in.reads[from] = read
	}
	return outputs{node: read}, nil
}

// changedBefore is the node that changes a variable before a node reads it, "" if there is none. Python orders the two by a control edge.
func (s *scope) changedBefore(n *node_def_go_proto.NodeDef) string {
	data := dataInputs(n)
	for _, control := range n.GetInput()[len(data):] {
		i, ok := s.index[nodeName(control)]
		if !ok || !strings.HasPrefix(s.nodes[i].GetOp(), "Assign") {
			continue
		}
		if changed := dataInputs(s.nodes[i]); len(changed) > 0 && len(data) > 0 && changed[0] == data[0] {
			return s.nodes[i].GetName()
		}
	}
	return ""
}

// gatherVariable writes a lookup of a variable's rows (an embedding) as GatherV2 of its value.
func gatherVariable(in *inliner, s *scope, n *node_def_go_proto.NodeDef, inputs []Tensor) (outputs, error) {
	if len(inputs) != 2 {
		return outputs{}, fmt.Errorf("node %q %shas %d inputs, not 2", n.GetName(), s.where(), len(inputs))
	}
	if n.GetAttr()["batch_dims"].GetI() != 0 {
		return outputs{}, s.refuse(n, "batch_dims is not 0")
	}
	read, err := readVariable(in, s, n, inputs[:1])
	if err != nil {
		return outputs{}, err
	}
	name := s.prefix + n.GetName()
	axis := scalar(in.unique(name+"/axis"), 0)
	return outputs{node: &Node{
		Name: in.unique(name), Op: "GatherV2", Inputs: []Tensor{{read.node, 0}, inputs[1], {axis, 0}},
		Attr: map[string]*attr_value_go_proto.AttrValue{
			"Tparams": typeAttr(n.GetAttr()["dtype"].GetType()), "Tindices": n.GetAttr()["Tindices"], "Taxis": typeAttr(types_go_proto.DataType_DT_INT32),
		},
	}}, nil
}
