package graphdef

import "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

// Centre returns the graph with x*s + (b - m*s), as normalisations are written whose scale s and mean m depend on the image, in the
// form (x-m)*s + b: one product less with s, and the difference is one that the variance has too. Values change by rounding alone, and
// by less of it where the mean is large. Factors and sums with other readers stay as they are, as does all that is neither float32 nor
// float64. SquaredDifference becomes the square of a difference, for it to be that one.
func (g *Graph) Centre() (*Graph, error) {
	out := g.clone()
	c := centring{newEditor(g, "centred"), out.readers()}
	redirect := redirects{}
	for _, n := range out.Nodes {
		redirect.inputs(n)
		if made, ok := c.centred(n); ok {
			redirect[Tensor{n, 0}] = made
		}
	}
	out.Output = redirect.of(out.Output)
	return newGraph(out.Output, out.Input, out.versions)
}

type centring struct {
	*editor
	readers map[*Node][]*Node
}

// centred is the other form of a sum that is one for it.
func (c centring) centred(n *Node) (Tensor, bool) {
	t := n.Attr["T"].GetType()
	if len(n.Inputs) != 2 || t != f32 && t != types_go_proto.DataType_DT_DOUBLE {
		return Tensor{}, false
	}
	if n.Op == "SquaredDifference" {
		return c.add("Square", t, c.add("Sub", t, n.Inputs...)), true
	}
	if n.Op != "AddV2" && n.Op != "Add" {
		return Tensor{}, false
	}
	for i := range n.Inputs {
		product, rest := n.Inputs[i].Node, n.Inputs[1-i].Node
		if !c.alone(product, "Mul") || !c.alone(rest, "Sub") || !c.alone(rest.Inputs[1].Node, "Mul") {
			continue
		}
		if x, m, s, ok := common(product, rest.Inputs[1].Node); ok {
			return c.add("AddV2", t, c.add("Mul", t, c.add("Sub", t, x, m), s), rest.Inputs[0]), true
		}
	}
	return Tensor{}, false
}

// alone reports whether a node is of an op of two operands and is read once.
func (c centring) alone(n *Node, op string) bool {
	return n.Op == op && len(n.Inputs) == 2 && len(c.readers[n]) == 1
}

// common is the factor that two products share, and the other one of each.
func common(a, b *Node) (restA, restB, factor Tensor, ok bool) {
	for i := range 2 {
		for j := range 2 {
			if a.Inputs[i] == b.Inputs[j] {
				return a.Inputs[1-i], b.Inputs[1-j], a.Inputs[i], true
			}
		}
	}
	return Tensor{}, Tensor{}, Tensor{}, false
}
