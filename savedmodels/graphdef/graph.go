package graphdef

import (
	"fmt"
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/versions_go_proto"
	"google.golang.org/protobuf/proto"
)

// Graph is a flat inference graph: no functions, no variables, no control edges, only the nodes that Output needs, producers
// first. Its image enters at Input and its variables' values at the nodes of Variables; both kinds are left out of Def.
type Graph struct {
	Nodes     []*Node
	Input     *Node
	Output    Tensor
	Variables []*Node
	// CustomGradients are the nodes of the model to which Python gives a gradient of their own, which may be another than the
	// derivative of the ops before them. Only Flatten fills them in.
	CustomGradients []string
	// Decided says that a condition, a loop or a list was decided by the image's shape. Only Flatten fills it in.
	Decided bool

	versions *versions_go_proto.VersionDef
}

// Node is one operation of a flat graph.
type Node struct {
	Name   string
	Op     string
	Inputs []Tensor
	Attr   map[string]*attr_value_go_proto.AttrValue
	// Variable is set on the nodes that stand for a variable's value.
	Variable *Variable

	// refused says why this node may not be part of an inference graph. It counts only if the output needs the node.
	refused *RefusedError
	// dead marks a node of a branch that is not taken.
	dead bool
	// list is set where the node stands for a list of tensors while loops are unrolled. Such a node is always refused.
	list *tensorList
}

// Tensor is one output of a node.
type Tensor struct {
	Node  *Node
	Index int
}

// Variable is what the graph knows of a variable: where its value lies in the checkpoint, and what it must look like.
type Variable struct {
	Name string
	// Key is its key in the checkpoint. Where the model's own restore op leaves the variable out, Key is empty and Path leads to
	// it by attribute names from the checkpoint's root object.
	Key   string
	Path  []string
	DType types_go_proto.DataType
	Shape []int64 // nil when its rank is open
	// Position is for whoever keeps the values in a list: a rewritten graph may have fewer variables than its original.
	Position int
}

// Name is how a GraphDef names the tensor.
func (t Tensor) Name() string {
	if t.Index == 0 {
		return t.Node.Name
	}
	return fmt.Sprintf("%s:%d", t.Node.Name, t.Index)
}

// newGraph collects what output needs. It is a *RefusedError if any of that is refused, first of what lies furthest back. Only
// what is needed counts: nothing else of the model ever runs.
func newGraph(output Tensor, input *Node, versions *versions_go_proto.VersionDef) (*Graph, error) {
	g := &Graph{Input: input, Output: output, versions: versions}
	// What may only be the input of some ops is refused where such an op is refused itself, which is the reason to tell.
	var refused, follows *RefusedError
	seen := map[*Node]bool{}
	stack := []*Node{output.Node}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		if done, open := seen[n]; open {
			stack = stack[:len(stack)-1]
			if !done {
				seen[n] = true
				g.Nodes = append(g.Nodes, n)
				if n.Op == "VarHandleOp" || n.list != nil || n.dead {
					follows = follows.with(n.refused)
				} else {
					refused = refused.with(n.refused)
				}
			}
			continue
		}
		seen[n] = false
		for _, in := range n.Inputs {
			if _, open := seen[in.Node]; !open {
				stack = append(stack, in.Node)
			}
		}
		if n.Variable != nil {
			g.Variables = append(g.Variables, n)
		}
	}
	if refused == nil {
		refused = follows
	}
	if refused != nil {
		return nil, refused
	}
	if _, reached := seen[input]; !reached {
		return nil, fmt.Errorf("output does not depend on the input %q", input.Name)
	}
	return g, nil
}

// Def is the graph as TensorFlow imports it, without Input and Variables, for which the importer maps tensors of its own.
func (g *Graph) Def() ([]byte, error) {
	nodes := make([]*Node, 0, len(g.Nodes))
	for _, n := range g.Nodes {
		if n != g.Input && n.Variable == nil {
			nodes = append(nodes, n)
		}
	}
	return marshal(nodes, g.versions)
}

// Part is what a node of a graph that is being made needs and is not there yet, producers first. It is false if any of that may
// not be part of an inference graph.
func Part(n *Node, there func(*Node) bool) ([]*Node, bool) {
	var part []*Node
	seen := map[*Node]bool{}
	stack := []*Node{n}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		done, open := seen[n]
		if open || there(n) {
			stack = stack[:len(stack)-1]
			if open && !done {
				seen[n] = true
				part = append(part, n)
			}
			continue
		}
		if n.refused != nil {
			return nil, false
		}
		seen[n] = false
		for _, in := range n.Inputs {
			if _, open := seen[in.Node]; !open {
				stack = append(stack, in.Node)
			}
		}
	}
	return part, true
}

// Def is nodes as TensorFlow imports them.
func Def(nodes []*Node) ([]byte, error) { return marshal(nodes, nil) }

func marshal(nodes []*Node, versions *versions_go_proto.VersionDef) ([]byte, error) {
	def := &graph_go_proto.GraphDef{Versions: versions}
	for _, n := range nodes {
		node := &node_def_go_proto.NodeDef{Name: n.Name, Op: n.Op, Attr: n.Attr}
		for _, in := range n.Inputs {
			node.Input = append(node.Input, in.Name())
		}
		def.Node = append(def.Node, node)
	}
	if size := proto.Size(def); size > maxFlatBytes {
		return nil, fmt.Errorf("the flat graph takes %d bytes, more than the %d that TensorFlow reads", size, maxFlatBytes)
	}
	return proto.Marshal(def)
}

// Histogram counts the graph's nodes by op.
func (g *Graph) Histogram() map[string]int {
	counts := map[string]int{}
	for _, n := range g.Nodes {
		if n.Variable == nil && n != g.Input {
			counts[n.Op]++
		}
	}
	return counts
}

// clone copies the nodes, so that a rewrite leaves the original as it was.
func (g *Graph) clone() *Graph {
	copies := make(map[*Node]*Node, len(g.Nodes))
	for _, n := range g.Nodes {
		c := *n
		c.Inputs = slices.Clone(n.Inputs)
		for i, in := range c.Inputs {
			c.Inputs[i].Node = copies[in.Node]
		}
		copies[n] = &c
	}
	out := &Graph{Input: copies[g.Input], Output: Tensor{copies[g.Output.Node], g.Output.Index}, versions: g.versions}
	for _, n := range g.Nodes {
		out.Nodes = append(out.Nodes, copies[n])
		if n.Variable != nil {
			out.Variables = append(out.Variables, copies[n])
		}
	}
	return out
}

// Alike says whether two graphs of one network, made for two batch sizes, are the same nodes.
func Alike(a, b *Graph) bool {
	return slices.EqualFunc(a.Nodes, b.Nodes, func(x, y *Node) bool {
		return x.Name == y.Name && x.Op == y.Op && len(x.Inputs) == len(y.Inputs) && (x.Op != "Const" || sameValue(x, y)) &&
			x.Attr["N"].GetI() == y.Attr["N"].GetI() && x.Attr["num"].GetI() == y.Attr["num"].GetI()
	})
}

// sameValue compares constants. Those of the file itself are the same object.
func sameValue(x, y *Node) bool {
	return x.Attr["value"] == y.Attr["value"] || proto.Equal(x.Attr["value"], y.Attr["value"])
}
