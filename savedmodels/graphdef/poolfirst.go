package graphdef

import "slices"

// increasing are the activations that never fall. They have the maximum of several values where these have theirs, and give
// nothing back where they make equals of values that were not.
var increasing = []string{"Relu", "Relu6", "LeakyRelu"}

// PoolFirst returns the graph with max pooling before an activation instead of after it: all values and derivatives stay the same, and
// the activation and its derivatives have a value per window to do instead of one per place. Activations with other readers stay
// where they are, as do those before a pooling that makes no fewer values.
func (g *Graph) PoolFirst() (*Graph, error) {
	out := g.clone()
	readers := out.readers()
	redirect := redirects{}
	for _, n := range out.Nodes {
		redirect.inputs(n)
		if !thins(n) {
			continue
		}
		act := n.Inputs[0].Node
		if !slices.Contains(increasing, act.Op) || act.Attr["alpha"].GetF() < 0 || len(readers[act]) != 1 {
			continue
		}
		moved := &Node{Name: act.Name + "/pooled", Op: act.Op, Attr: act.Attr, Inputs: []Tensor{{n, 0}}}
		n.Inputs[0] = act.Inputs[0]
		redirect[Tensor{n, 0}] = Tensor{moved, 0}
	}
	out.Output = redirect.of(out.Output)
	return newGraph(out.Output, out.Input, out.versions)
}

// thins reports whether a node is a max pooling that makes fewer values.
func thins(n *Node) bool {
	return n.Op == "MaxPool" && len(n.Inputs) == 1 &&
		slices.ContainsFunc(n.Attr["strides"].GetList().GetI(), func(s int64) bool { return s > 1 })
}

// readers are the nodes that read each node, once for each input; a nil stands for the graph's output.
func (g *Graph) readers() map[*Node][]*Node {
	readers := map[*Node][]*Node{g.Output.Node: {nil}}
	for _, n := range g.Nodes {
		for _, in := range n.Inputs {
			readers[in.Node] = append(readers[in.Node], n)
		}
	}
	return readers
}
