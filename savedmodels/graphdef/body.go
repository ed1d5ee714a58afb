package graphdef

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/op_def_go_proto"
)

// body is a list of nodes with its names resolved: the main graph, or one library function.
type body struct {
	name   string // "" for the main graph
	nodes  []*node_def_go_proto.NodeDef
	index  map[string]int
	args   map[string]int
	nArgs  int
	rets   []string // one tensor name per output argument
	retIDs map[string]int

	order    []int // what the rets need, producers first: by data edges, and where there are branches of TensorFlow 1 by control edges
	branches bool
	consts   map[int]*Node
}

func newMainBody(g *graph_go_proto.GraphDef) (*body, error) {
	return newBody("", g.GetNode())
}

func newFunctionBody(f *function_go_proto.FunctionDef) (*body, error) {
	sig := f.GetSignature()
	b, err := newBody(sig.GetName(), f.GetNodeDef())
	if err != nil {
		return nil, err
	}
	for i, arg := range sig.GetInputArg() {
		if isList(arg) {
			return nil, fmt.Errorf("argument %q of function %q is a list, which no exporter writes", arg.GetName(), b.name)
		}
		b.args[arg.GetName()] = i
	}
	b.nArgs = len(sig.GetInputArg())
	for i, arg := range sig.GetOutputArg() {
		ret, ok := f.GetRet()[arg.GetName()]
		if !ok {
			return nil, fmt.Errorf("function %q returns nothing as %q", b.name, arg.GetName())
		}
		b.rets = append(b.rets, ret)
		b.retIDs[arg.GetName()] = i
	}
	b.order, err = b.sort(b.rets)
	return b, err
}

func newBody(name string, nodes []*node_def_go_proto.NodeDef) (*body, error) {
	b := &body{
		name: name, nodes: nodes,
		index: make(map[string]int, len(nodes)), args: map[string]int{}, retIDs: map[string]int{}, consts: map[int]*Node{},
	}
	for i, n := range nodes {
		if _, twice := b.index[n.GetName()]; twice || n.GetName() == "" {
			return nil, fmt.Errorf("node %q %sis defined twice or has no name", n.GetName(), b.where())
		}
		b.index[n.GetName()] = i
		b.branches = b.branches || n.GetOp() == "Switch" || n.GetOp() == "RefSwitch"
	}
	return b, nil
}

func (b *body) where() string {
	if b.name == "" {
		return ""
	}
	return fmt.Sprintf("of function %q ", b.name)
}

// sort returns the nodes that the named tensors need, producers first.
func (b *body) sort(roots []string) ([]int, error) { return b.sortFrom("", roots) }

// sortFrom is sort, but what the node of a given name needs is left out: the image takes the place of what it makes.
func (b *body) sortFrom(name string, roots []string) ([]int, error) {
	return b.sortBy(roots, func(n *node_def_go_proto.NodeDef) []string {
		switch {
		case n.GetName() == name:
			return nil
		case b.branches:
			return n.GetInput()
		}
		return dataInputs(n)
	})
}

// sortBy keeps its own stack: the length of a chain of nodes is up to whoever wrote the file.
func (b *body) sortBy(roots []string, inputs func(*node_def_go_proto.NodeDef) []string) ([]int, error) {
	const (
		unseen = iota
		open
		done
	)
	state := make([]byte, len(b.nodes))
	var order, stack []int
	push := func(input string) error {
		name := nodeName(input)
		i, ok := b.index[name]
		if !ok {
			if _, isArg := b.args[name]; isArg {
				return nil
			}
			return fmt.Errorf("tensor %q %sdoes not exist", input, b.where())
		}
		if op := b.nodes[i].GetOp(); state[i] == open && (op == "Merge" || op == "NextIteration" || op == "RefMerge") {
			return fmt.Errorf("node %q %sbegins a loop of TensorFlow 1, which is not supported: build the graph again after "+
				"tf.compat.v1.enable_control_flow_v2()", name, b.where())
		} else if state[i] == open {
			return fmt.Errorf("node %q %sdepends on itself", name, b.where())
		}
		if state[i] == unseen {
			stack = append(stack, i)
		}
		return nil
	}
	for _, root := range roots {
		if err := push(root); err != nil {
			return nil, err
		}
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			if state[i] != unseen {
				stack = stack[:len(stack)-1]
				if state[i] == open {
					state[i] = done
					order = append(order, i)
				}
				continue
			}
			state[i] = open
			for _, input := range inputs(b.nodes[i]) {
				if err := push(input); err != nil {
					return nil, err
				}
			}
		}
	}
	return order, nil
}

// output translates the part of a tensor name after the node into a position among the node's outputs: "node:k" in the main
// graph, "node:outarg:i" in a function.
func (b *body) output(m *SavedModel, n *node_def_go_proto.NodeDef, arg string, index int) (int, error) {
	if arg == "" {
		return index, nil
	}
	if f := m.functions[n.GetOp()]; f != nil {
		for i, out := range f.GetSignature().GetOutputArg() {
			if out.GetName() == arg {
				return i + index, nil
			}
		}
	}
	def := m.definition(n.GetOp())
	if def == nil {
		return index, nil
	}
	first := 0
	for _, out := range def.GetOutputArg() {
		size := argSize(n, def, out)
		if out.GetName() == arg {
			if index >= size {
				return 0, fmt.Errorf("output %s:%d of node %q %sdoes not exist", arg, index, n.GetName(), b.where())
			}
			return first + index, nil
		}
		first += size
	}
	return 0, fmt.Errorf("op %s of node %q %shas no output %q", n.GetOp(), n.GetName(), b.where(), arg)
}

// argSize is the number of tensors of an output argument.
func argSize(n *node_def_go_proto.NodeDef, def *op_def_go_proto.OpDef, arg *op_def_go_proto.OpDef_ArgDef) int {
	attr := func(name string) (count int) {
		value := n.GetAttr()[name]
		if value == nil {
			value = defaultAttr(def, name)
		}
		if list := value.GetList(); list != nil {
			return len(list.GetType())
		}
		return int(value.GetI())
	}
	switch {
	case arg.GetNumberAttr() != "":
		return attr(arg.GetNumberAttr())
	case arg.GetTypeListAttr() != "":
		return attr(arg.GetTypeListAttr())
	}
	return 1
}

func isList(arg *op_def_go_proto.OpDef_ArgDef) bool {
	return arg.GetNumberAttr() != "" || arg.GetTypeListAttr() != ""
}

// splitTensor cuts "node", "node:k" and "node:outarg:i".
func splitTensor(tensor string) (node, arg string, index int) {
	parts := strings.Split(tensor, ":")
	node = parts[0]
	last := parts[len(parts)-1]
	if len(parts) > 1 {
		// A position that is not a number, or out of range, fails later as an output that does not exist.
		k, err := strconv.ParseUint(last, 10, 16)
		if err != nil {
			k = 1 << 16
		}
		index = int(k)
	}
	if len(parts) == 3 {
		arg = parts[1]
	}
	return node, arg, index
}

// dataInputs are a node's inputs without the control edges, which come last.
func dataInputs(n *node_def_go_proto.NodeDef) []string {
	inputs := n.GetInput()
	for i, input := range inputs {
		if strings.HasPrefix(input, "^") {
			return inputs[:i]
		}
	}
	return inputs
}
