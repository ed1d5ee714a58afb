package graphdef

import (
	"fmt"

	"github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
)

// checkpointKeys says under which key the checkpoint holds each variable of the main graph. It follows the restore op, which
// every SavedModel has, whoever wrote it: RestoreV2's i-th name -> Identity -> AssignVariableOp -> VarHandleOp, in TensorFlow 1
// Assign -> VariableV2. The ops are only looked at.
func (m *SavedModel) checkpointKeys() (map[string]string, error) {
	w := &restoreWalk{model: m, keys: map[string]string{}, budget: maxNodes}
	if m.saver == "" {
		return w.keys, nil
	}
	saver, _, _ := splitTensor(m.saver)
	k, ok := m.main.index[saver]
	if !ok {
		return nil, fmt.Errorf("restore op %q does not exist", m.saver)
	}
	// A TensorFlow 1 saver groups its assignments by control edges; TensorFlow 2 has one call.
	seen := map[int]bool{}
	stack := []int{k}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[i] {
			continue
		}
		seen[i] = true
		if err := w.node(m.main, m.main.nodes[i], nil); err != nil {
			return nil, err
		}
		for _, input := range m.main.nodes[i].GetInput() {
			if j, ok := m.main.index[nodeName(input)]; ok {
				stack = append(stack, j)
			}
		}
	}
	return w.keys, nil
}

type restoreWalk struct {
	model  *SavedModel
	keys   map[string]string
	budget int
	depth  int
}

// node looks at one op of a body whose arguments are the named nodes of the main graph.
func (w *restoreWalk) node(b *body, n *node_def_go_proto.NodeDef, args []string) error {
	if w.budget--; w.budget < 0 {
		return fmt.Errorf("the restore function is longer than %d nodes", maxNodes)
	}
	inputs := dataInputs(n)
	switch n.GetOp() {
	case "AssignVariableOp", "Assign":
		if len(inputs) != 2 {
			return fmt.Errorf("assignment %q %shas %d inputs", n.GetName(), b.where(), len(inputs))
		}
		variable := source(b, inputs[0], args)
		if key, ok := restoredKey(b, inputs[1]); ok && variable != "" {
			w.keys[variable] = key
		}
	case "PartitionedCall", "StatefulPartitionedCall":
		f, err := w.model.body(n.GetAttr()["f"].GetFunc().GetName())
		if err != nil {
			return err
		}
		if w.depth == maxDepth || len(inputs) != f.nArgs {
			return fmt.Errorf("call %q %sof the restore function is malformed", n.GetName(), b.where())
		}
		given := make([]string, len(inputs))
		for i, input := range inputs {
			given[i] = source(b, input, args)
		}
		w.depth++
		defer func() { w.depth-- }()
		for _, inner := range f.nodes {
			if err := w.node(f, inner, given); err != nil {
				return err
			}
		}
	}
	return nil
}

// source is the node of the main graph that a tensor comes from, "" when that is not a node of the main graph.
func source(b *body, tensor string, args []string) string {
	name := nodeName(tensor)
	if b.name == "" {
		return name
	}
	if i, isArg := b.args[name]; isArg {
		return args[i]
	}
	return ""
}

// restoredKey follows a value back to an output of RestoreV2 and returns that output's name in the checkpoint.
func restoredKey(b *body, tensor string) (string, bool) {
	for range maxDepth {
		name, _, index := splitTensor(tensor)
		i, ok := b.index[name]
		if !ok {
			return "", false
		}
		n := b.nodes[i]
		inputs := dataInputs(n)
		switch {
		case n.GetOp() == "Identity" && len(inputs) == 1:
			tensor = inputs[0]
		case n.GetOp() == "RestoreV2" && len(inputs) == 3:
			k, ok := b.index[nodeName(inputs[1])]
			if !ok {
				return "", false
			}
			keys := b.nodes[k].GetAttr()["value"].GetTensor().GetStringVal()
			if index >= len(keys) {
				return "", false
			}
			return string(keys[index]), true
		default:
			return "", false
		}
	}
	return "", false
}

// nodeName is the node of a tensor name or a control edge.
func nodeName(tensor string) string {
	if len(tensor) > 0 && tensor[0] == '^' {
		tensor = tensor[1:]
	}
	name, _, _ := splitTensor(tensor)
	return name
}
