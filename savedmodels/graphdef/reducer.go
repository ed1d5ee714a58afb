package graphdef

import "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"

// BinaryOp is the op by which a function of two arguments joins them, such as the reducer of a reduction; ok is false if the
// function does anything else.
func (m *SavedModel) BinaryOp(function string) (op string, ok bool) {
	for range maxDepth {
		if m.functions[function] == nil {
			return "", false
		}
		b, err := m.body(function)
		if err != nil || b.nArgs != 2 || len(b.rets) != 1 {
			return "", false
		}
		n := b.passing(b.rets[0])
		if n == nil {
			return "", false
		}
		inputs := dataInputs(n)
		if len(inputs) != 2 {
			return "", false
		}
		// In either order: the reducers that are known do not care.
		first, isFirst := b.args[b.argument(inputs[0])]
		second, isSecond := b.args[b.argument(inputs[1])]
		if !isFirst || !isSecond || first == second {
			return "", false
		}
		switch called := n.GetAttr()["f"].GetFunc().GetName(); n.GetOp() {
		case "PartitionedCall", "StatefulPartitionedCall":
			function = called
		default:
			return n.GetOp(), true
		}
	}
	return "", false
}

// passing is the node that makes a tensor, nodes that only pass it on left out; nil if it is an argument.
func (b *body) passing(tensor string) *node_def_go_proto.NodeDef {
	for range b.nodes {
		i, isNode := b.index[nodeName(tensor)]
		if !isNode {
			return nil
		}
		n := b.nodes[i]
		inputs := dataInputs(n)
		if n.GetOp() != "Identity" || len(inputs) != 1 {
			return n
		}
		tensor = inputs[0]
	}
	return nil
}

// argument is the name of a tensor's node, nodes that only pass it on left out.
func (b *body) argument(tensor string) string {
	if n := b.passing(tensor); n != nil {
		return n.GetName()
	}
	for range b.nodes {
		i, isNode := b.index[nodeName(tensor)]
		if !isNode {
			break
		}
		tensor = dataInputs(b.nodes[i])[0]
	}
	return nodeName(tensor)
}
