package graphdef

import (
	"fmt"
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	"upi/savedmodels/tensors"
)

// Types tells the static shape (nil: open) and the type of a graph's tensors.
type Types interface {
	Shape(t Tensor) []int64
	DType(t Tensor) DType
}

// Calls returns one graph that does what n calls of g on n batches would, for a network whose batch is fixed. The n batches come
// along the first axis of the input, or, if single, where g takes one image without a batch, along a new one; so do the results.
// Each op works on all calls at once wherever it can; others are repeated for each. The shapes of g must be static.
func (g *Graph) Calls(n int, single bool, types Types) (*Graph, error) {
	c := &calls{n: int64(n), types: types, done: map[Tensor]*lane{}, same: map[*Node]*Node{}, names: map[string]bool{}}
	for _, node := range g.Nodes {
		c.names[node.Name] = true
	}
	for _, node := range g.Nodes {
		if err := c.node(g, node, single); err != nil {
			return nil, fmt.Errorf("op %s (node %q) in %d calls side by side: %w", node.Op, node.Name, n, err)
		}
	}
	l := c.done[g.Output]
	if l == nil {
		return nil, fmt.Errorf("output %s does not depend on the image", g.Output.Name())
	}
	out := c.split(l)
	if len(l.shape) > 0 && !single {
		out = c.merged(l)
	}
	return newGraph(out, c.same[g.Input], g.versions)
}

// calls is a graph under construction.
type calls struct {
	n     int64
	types Types
	done  map[Tensor]*lane // of the tensors that depend on the image
	same  map[*Node]*Node  // the copies of all other nodes, and of the input
	names map[string]bool
	count int // of nodes added
}

// A lane is the values of one tensor of the original graph in all calls: one behind another along its first axis (merged), or
// along an axis of their own in front (split). Each form is made when asked for; the values lie in memory in the same order.
type lane struct {
	of             Tensor
	shape          []int64 // of one call
	dtype          DType
	inFirst, inOwn Tensor
}

func (c *calls) node(g *Graph, n *Node, single bool) error {
	if n == g.Input {
		image := &Node{Name: n.Name, Op: n.Op}
		c.same[n] = image
		l := c.lane(Tensor{n, 0})
		if l.shape == nil {
			return fmt.Errorf("the shape of the input is open")
		}
		if l.inFirst = (Tensor{image, 0}); single {
			l.inFirst, l.inOwn = Tensor{}, Tensor{image, 0}
		}
		return nil
	}
	for _, in := range n.Inputs {
		if c.done[in] == nil && c.same[in.Node] == nil {
			return fmt.Errorf("the shape of %s is open, or it is the statistics of a normalisation", in.Name())
		}
	}
	depends := slices.ContainsFunc(n.Inputs, func(t Tensor) bool { return c.done[t] != nil })
	if !depends {
		copied := *n
		copied.Inputs = make([]Tensor, len(n.Inputs))
		for i, in := range n.Inputs {
			copied.Inputs[i] = c.fixed(in)
		}
		c.same[n] = &copied
		return nil
	}
	if sizes[n.Op] {
		return c.size(n)
	}
	if rule := callRules[n.Op]; rule != nil && rule(c, n) {
		return nil
	}
	return c.repeat(n)
}

// fixed is the copy of a tensor that is the same in all calls.
func (c *calls) fixed(t Tensor) Tensor { return Tensor{c.same[t.Node], t.Index} }

// lane makes the lane of a tensor of the original graph.
func (c *calls) lane(t Tensor) *lane {
	l := &lane{of: t, shape: c.types.Shape(t), dtype: c.types.DType(t)}
	c.done[t] = l
	return l
}

// asFirst and asOwn say that a new tensor is all calls of the k-th output of a node, merged or split.
func (c *calls) asFirst(n *Node, k int, t Tensor) { c.lane(Tensor{n, k}).inFirst = t }
func (c *calls) asOwn(n *Node, k int, t Tensor)   { c.lane(Tensor{n, k}).inOwn = t }

// merged is a lane of at least one axis with its calls along the first.
func (c *calls) merged(l *lane) Tensor {
	if l.inFirst.Node == nil {
		l.inFirst = c.reshape(l.of.Node, l.inOwn, l.dtype, c.times(l.shape))
	}
	return l.inFirst
}

// split is a lane with its calls along an axis in front.
func (c *calls) split(l *lane) Tensor {
	if l.inOwn.Node == nil {
		l.inOwn = c.reshape(l.of.Node, l.inFirst, l.dtype, c.before(l.shape))
	}
	return l.inOwn
}

// times and before are a shape of one call as a merged and as a split one.
func (c *calls) times(shape []int64) []int64 {
	out := slices.Clone(shape)
	out[0] *= c.n
	return out
}

func (c *calls) before(shape []int64) []int64 { return append([]int64{c.n}, shape...) }

// either is a lane in the form that it has.
func (c *calls) either(l *lane) (t Tensor, isMerged bool) {
	if l.inFirst.Node != nil {
		return l.inFirst, true
	}
	return l.inOwn, false
}

// lift is the lane of a tensor; one that is the same in all calls is repeated.
func (c *calls) lift(n *Node, t Tensor) *lane {
	if l := c.done[t]; l != nil {
		return l
	}
	l := &lane{of: t, shape: c.types.Shape(t), dtype: c.types.DType(t)}
	if l.shape == nil {
		return nil
	}
	l.inOwn = c.add(n, "BroadcastTo", l.dtype, []Tensor{c.fixed(t), c.ints(n, c.before(l.shape))})
	return l
}

// made adds an op like n on other inputs.
func (c *calls) made(n *Node, inputs ...Tensor) *Node {
	return c.named(n, &Node{Op: n.Op, Inputs: inputs, Attr: n.Attr})
}

// CallsSuffix and a number follow the name of a node in those of the nodes that Calls writes for it.
const CallsSuffix = "/calls_"

func (c *calls) named(n, added *Node) *Node {
	added.Name = n.Name
	for c.names[added.Name] {
		added.Name = fmt.Sprintf("%s%s%d", n.Name, CallsSuffix, c.count)
		c.count++
	}
	c.names[added.Name] = true
	return added
}

// add adds an op with a type attribute T.
func (c *calls) add(n *Node, op string, dtype DType, inputs []Tensor) Tensor {
	return Tensor{c.named(n, &Node{Op: op, Inputs: inputs, Attr: map[string]*attr_value_go_proto.AttrValue{"T": typeAttr(dtype)}}), 0}
}

func (c *calls) reshape(n *Node, t Tensor, dtype DType, shape []int64) Tensor {
	return c.add(n, "Reshape", dtype, []Tensor{t, c.ints(n, shape)})
}

// ints is a constant vector of int32.
func (c *calls) ints(n *Node, values []int64) Tensor {
	return Tensor{c.named(n, shapeConst("", values, types_go_proto.DataType_DT_INT32)), 0}
}

// sizes are the ops whose result is known from the shape of their input.
var sizes = map[string]bool{"Shape": true, "Size": true, "Rank": true}

func (c *calls) size(n *Node) error {
	shape := c.types.Shape(n.Inputs[0])
	if shape == nil {
		return fmt.Errorf("the shape of its input is open")
	}
	dtype := n.Attr["out_type"].GetType()
	switch n.Op {
	case "Shape":
		c.same[n] = c.named(n, shapeConst("", shape, dtype))
	case "Size":
		count, err := tensors.Within(shape, maxConstElements)
		if err != nil {
			return err
		}
		c.same[n] = c.named(n, scalar("", int32(count)))
		if dtype == types_go_proto.DataType_DT_INT64 {
			return fmt.Errorf("out_type int64 is not supported")
		}
	default:
		c.same[n] = c.named(n, scalar("", int32(len(shape))))
	}
	return nil
}

// repeat adds one copy of an op for each call.
func (c *calls) repeat(n *Node) error {
	if c.count += int(c.n) * (1 + len(n.Inputs)); c.count > maxUnrolled {
		return fmt.Errorf("it would have to be repeated, which makes more than %d nodes: use smaller batches", maxUnrolled)
	}
	parts := make([][]Tensor, len(n.Inputs))
	for i, in := range n.Inputs {
		parts[i] = slices.Repeat([]Tensor{c.fixed(in)}, int(c.n))
		if l := c.done[in]; l != nil {
			apart := c.named(n, &Node{Op: "Unpack", Inputs: []Tensor{c.split(l)}, Attr: map[string]*attr_value_go_proto.AttrValue{
				"T": typeAttr(l.dtype), "num": intAttr(c.n), "axis": intAttr(0),
			}})
			for k := range parts[i] {
				parts[i][k] = Tensor{apart, k}
			}
		}
	}
	copies := make([]*Node, c.n)
	for k := range copies {
		inputs := make([]Tensor, len(n.Inputs))
		for i := range inputs {
			inputs[i] = parts[i][k]
		}
		copies[k] = c.made(n, inputs...)
	}
	for k := range outputCount(c.types, n) {
		t := Tensor{n, k}
		if c.types.Shape(t) == nil {
			continue // an error only if it is needed
		}
		together := make([]Tensor, c.n)
		for i := range together {
			together[i] = Tensor{copies[i], k}
		}
		c.asOwn(n, k, Tensor{c.named(n, &Node{Op: "Pack", Inputs: together, Attr: map[string]*attr_value_go_proto.AttrValue{
			"T": typeAttr(c.types.DType(t)), "N": intAttr(c.n), "axis": intAttr(0),
		}}), 0})
	}
	return nil
}
