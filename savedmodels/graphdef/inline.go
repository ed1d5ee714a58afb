package graphdef

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/op_def_go_proto"
)

const (
	// maxNodes bounds the work on one model: nodes in the file, and nodes visited while inlining. The largest network of
	// keras.applications has some 5,000.
	maxNodes = 1_000_000
	// maxDepth bounds calls in calls. Keras nests three deep.
	maxDepth = 64
	// maxNameBytes bounds a flat name, which holds the path of calls.
	maxNameBytes = 4096
	// maxFlatBytes is protobuf's own limit for one message.
	maxFlatBytes = 1<<31 - 1
)

// inliner walks function bodies and emits flat nodes.
type inliner struct {
	model    *SavedModel
	image    string // main graph's node that takes the image
	within   string // or the path to a node inside whose output is the image
	defaults map[string]*Node
	keys     map[string]string // VarHandleOp -> checkpoint key
	paths    map[string][]string
	budget   int
	unrolled int            // nodes that turns of loops took, those of a loop in a loop twice
	calls    []string       // functions being inlined, outermost first
	names    map[string]int // flat name -> how many nodes asked for it
	rules    map[string]inlineRule
	reads    map[*Node]*Node // VarHandleOp -> the node that stands for its value
	folder   folder          // of constants alone
	decider  folder          // of what follows from the image's shape, too
	input    *Node
	custom   []string // nodes with a gradient of their own
}

// outputs are a node's tensors: a flat node's own, or a list of others.
type outputs struct {
	node *Node
	list []Tensor
}

func (o outputs) at(i int) (Tensor, bool) {
	if o.node != nil {
		return Tensor{o.node, i}, true
	}
	if i < 0 || i >= len(o.list) {
		return Tensor{}, false
	}
	return o.list[i], true
}

// scope is one inlining of a body: its path of calls, what its arguments are, and what its nodes became.
type scope struct {
	*body
	prefix string
	args   []Tensor
	attr   map[string]*attr_value_go_proto.AttrValue // of the call
	done   map[int]outputs
}

// call inlines a function and returns its results.
func (in *inliner) call(prefix, function string, args []Tensor, attr map[string]*attr_value_go_proto.AttrValue) ([]Tensor, error) {
	for _, open := range in.calls {
		if open == function {
			return nil, fmt.Errorf("function %q calls itself (%s)", function, strings.Join(append(in.calls, function), " -> "))
		}
	}
	if len(in.calls) == maxDepth {
		return nil, fmt.Errorf("functions are nested more than %d deep at %q", maxDepth, function)
	}
	b, err := in.model.body(function)
	if err != nil {
		return nil, err
	}
	if len(args) != b.nArgs {
		return nil, fmt.Errorf("function %q takes %d arguments, the call %s has %d", function, b.nArgs, prefix, len(args))
	}
	in.calls = append(in.calls, function)
	defer func() { in.calls = in.calls[:len(in.calls)-1] }()
	return in.inline(&scope{body: b, prefix: prefix + "/", args: args, attr: attr}, b.rets)
}

// inline emits what the named tensors of a scope need.
func (in *inliner) inline(s *scope, rets []string) ([]Tensor, error) {
	s.done = make(map[int]outputs, len(s.order))
	for _, i := range s.order {
		n := s.nodes[i]
		if in.budget -= 1 + (len(s.prefix)+len(n.GetName()))/64; in.budget < 0 {
			return nil, fmt.Errorf("inlining the functions makes more than %d nodes", maxNodes)
		}
		if s.prefix+n.GetName() == in.within {
			in.input.Attr = in.attrs(s, n)
			s.done[i] = outputs{node: in.input}
			continue
		}
		inputs, err := in.inputs(s, n)
		if err != nil {
			return nil, err
		}
		if n.GetOp() != "Merge" && n.GetOp() != "RefMerge" && s.isDead(n, inputs) {
			s.done[i] = outputs{node: s.deadNode(n)}
			continue
		}
		out, err := in.node(s, i, inputs)
		var refused *RefusedError
		if errors.As(err, &refused) {
			// Counts only if the output turns out to need it.
			out, err = outputs{node: &Node{Name: s.prefix + n.GetName(), Op: n.GetOp(), Inputs: inputs, refused: refused}}, nil
		}
		if err != nil {
			return nil, err
		}
		s.done[i] = out
	}
	return in.tensors(s, rets)
}

func (in *inliner) inputs(s *scope, n *node_def_go_proto.NodeDef) ([]Tensor, error) {
	return in.tensors(s, dataInputs(n))
}

func (in *inliner) tensors(s *scope, names []string) ([]Tensor, error) {
	tensors := make([]Tensor, 0, len(names))
	for _, name := range names {
		node, arg, index := splitTensor(name)
		if i, isNode := s.index[node]; isNode {
			k, err := s.output(in.model, s.nodes[i], arg, index)
			if err != nil {
				return nil, err
			}
			t, ok := s.done[i].at(k)
			if !ok {
				return nil, fmt.Errorf("tensor %q %sdoes not exist", name, s.where())
			}
			tensors = append(tensors, t)
			continue
		}
		tensors = append(tensors, s.args[s.body.args[node]])
	}
	return tensors, nil
}

// node turns one node into flat ones: by the table of the ops that inlining does away with, else as it is.
func (in *inliner) node(s *scope, i int, inputs []Tensor) (outputs, error) {
	n := s.nodes[i]
	if len(n.GetName())+len(s.prefix) > maxNameBytes {
		return outputs{}, fmt.Errorf("the path to node %.40q is longer than %d bytes", n.GetName(), maxNameBytes)
	}
	if rule := in.rules[n.GetOp()]; rule != nil {
		return rule(in, s, n, inputs)
	}
	if one, ok := alone(n, inputs); ok {
		return outputs{list: []Tensor{one}}, nil
	}
	if in.model.functions[n.GetOp()] != nil {
		list, err := in.call(s.prefix+n.GetName(), n.GetOp(), inputs, n.GetAttr())
		return outputs{list: list}, err
	}
	constant := n.GetOp() == "Const"
	if flat := s.consts[i]; constant && flat != nil {
		// A function called twice shares its constants; otherwise a small file could ask for any amount of memory.
		return outputs{node: flat}, nil
	}
	flat := &Node{Name: in.unique(s.prefix + n.GetName()), Op: n.GetOp(), Inputs: inputs}
	flat.Attr = in.attrs(s, n)
	if constant {
		if err := checkConst(n); err != nil {
			return outputs{}, err
		}
		s.consts[i] = flat
	}
	if size, known := in.made(flat); known && !(size <= maxConstElements) {
		return outputs{}, fmt.Errorf("op %s (node %q %s) makes %g elements, more than %d", n.GetOp(), n.GetName(), s.where(), size, maxConstElements)
	}
	if reason := whyNot(flat); reason != "" {
		flat.refused = s.refuse(n, reason)
	}
	return outputs{node: flat}, nil
}

// attrs are a node's attributes with the ones that refer to the call's filled in, with the op's defaults, and without what
// concerns only the place that the node came from.
func (in *inliner) attrs(s *scope, n *node_def_go_proto.NodeDef) map[string]*attr_value_go_proto.AttrValue {
	attrs := maps.Clone(n.GetAttr())
	for name, value := range attrs {
		if strings.HasPrefix(name, "_") {
			delete(attrs, name)
		}
		if placeholder := value.GetPlaceholder(); placeholder != "" {
			delete(attrs, name)
			if given := s.attr[placeholder]; given != nil && given.GetPlaceholder() == "" {
				attrs[name] = given
			}
		}
	}
	for _, attr := range in.model.ops[n.GetOp()].GetAttr() {
		if attrs[attr.GetName()] == nil && attr.GetDefaultValue() != nil {
			if attrs == nil {
				attrs = map[string]*attr_value_go_proto.AttrValue{}
			}
			attrs[attr.GetName()] = attr.GetDefaultValue()
		}
	}
	return attrs
}

// unique makes a name that no flat node has: the main graph may hold a node "a/b" beside a call "a" of a function with a "b".
func (in *inliner) unique(name string) string {
	free := name
	for in.names[free] > 0 {
		free = fmt.Sprintf("%s_%d", name, in.names[name])
		in.names[name]++
	}
	in.names[free]++
	return free
}

func defaultAttr(def *op_def_go_proto.OpDef, name string) *attr_value_go_proto.AttrValue {
	for _, attr := range def.GetAttr() {
		if attr.GetName() == name {
			return attr.GetDefaultValue()
		}
	}
	return nil
}

// body returns the parsed body of a library function.
func (m *SavedModel) body(function string) (*body, error) {
	if b := m.bodies[function]; b != nil {
		return b, nil
	}
	f := m.functions[function]
	if f == nil {
		return nil, fmt.Errorf("function %q does not exist", function)
	}
	b, err := newFunctionBody(f)
	if err != nil {
		return nil, err
	}
	m.bodies[function] = b
	return b, nil
}
