package graphdef

import (
	"fmt"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
)

// Refusal is an op that an inference graph may not hold.
type Refusal struct {
	Op       string
	Node     string
	Function string // "" for the main graph
	Reason   string
}

// RefusedError is the error of a model with an op that is refused.
type RefusedError struct{ Refusal }

func (e *RefusedError) Error() string {
	where := "in the main graph"
	if e.Function != "" {
		where = fmt.Sprintf("in function %q", e.Function)
	}
	return fmt.Sprintf("op %s (node %q %s) is refused: %s", e.Op, e.Node, where, e.Reason)
}

func (b *body) refuse(n *node_def_go_proto.NodeDef, reason string) *RefusedError {
	return &RefusedError{Refusal{Op: n.GetOp(), Node: n.GetName(), Function: b.name, Reason: reason}}
}

// check looks at every op that TensorFlow would run for a tensor: in the main graph what the tensor needs by data and control
// edges, and the whole of every function that is reached from there, because a function's stateful ops run even if nothing
// needs them.
func (m *SavedModel) check(output Argument) error {
	refused, err := m.Refusals(output)
	if err == nil && len(refused) > 0 {
		err = &RefusedError{refused[0]}
	}
	return err
}

// Refusals lists the ops behind an output that the allow-list does not have.
func (m *SavedModel) Refusals(output Argument) ([]Refusal, error) {
	var found []Refusal
	queued := map[string]bool{}
	var functions []string
	look := func(b *body, n *node_def_go_proto.NodeDef) {
		if class, known := allowed[n.GetOp()]; m.functions[n.GetOp()] == nil && (!known || class == refused) {
			found = append(found, b.refuse(n, reasonFor(n.GetOp())).Refusal)
		}
		for _, f := range append(functionAttrs(n), n.GetOp()) {
			if m.functions[f] != nil && !queued[f] {
				queued[f] = true
				functions = append(functions, f)
			}
		}
	}
	seen := map[int]bool{}
	stack := []string{output.Tensor}
	for len(stack) > 0 {
		i, ok := m.main.index[nodeName(stack[len(stack)-1])]
		stack = stack[:len(stack)-1]
		if !ok || seen[i] {
			continue
		}
		seen[i] = true
		look(m.main, m.main.nodes[i])
		stack = append(stack, m.main.nodes[i].GetInput()...)
	}
	for len(functions) > 0 {
		b, err := m.body(functions[0])
		if err != nil {
			return nil, err
		}
		functions = functions[1:]
		for _, n := range b.nodes {
			look(b, n)
		}
	}
	return found, nil
}

func functionAttrs(n *node_def_go_proto.NodeDef) []string {
	var names []string
	add := func(f *attr_value_go_proto.NameAttrList) {
		if f != nil {
			names = append(names, f.GetName())
		}
	}
	for _, value := range n.GetAttr() {
		add(value.GetFunc())
		for _, f := range value.GetList().GetFunc() {
			add(f)
		}
	}
	return names
}
