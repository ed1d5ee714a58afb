// Package xla writes the operations of XLA that jax2tf leaves in a graph (XlaConvV2, XlaDotV2, XlaPad, ...) as TensorFlow's
// own, which run without a compiler and can be differentiated. What they mean is said in XLA's "Operation Semantics".
package xla

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	"upi/savedmodels/graphdef"
)

type (
	tensor = graphdef.Tensor
	attrs  = map[string]*attr_value_go_proto.AttrValue
)

// Inference knows what a graph's tensors look like before it runs.
type Inference interface {
	// Shape is the shape of a tensor, -1 for an unknown size; nil if the rank is not known.
	Shape(graphdef.Tensor) []int64
	// Ints are the elements of a tensor of integers that depends on constants and shapes only.
	Ints(graphdef.Tensor) ([]int64, bool)
	// Batch is the number of images for which shapes are inferred, 0 if the signature fixes it. A multiple of it is left open.
	Batch() int64
}

// IsOp reports whether an op is one that Lower writes anew.
func IsOp(op string) bool { return rules[op] != nil }

// rules write one op each.
var rules = map[string]func(b *builder, n *graphdef.Node) (tensor, error){
	"XlaConv":                convolution,
	"XlaConvV2":              convolution,
	"XlaDot":                 dot,
	"XlaDotV2":               dot,
	"XlaEinsum":              einsum,
	"XlaPad":                 pad,
	"XlaReduceWindow":        reduceWindow,
	"XlaReduce":              reduce,
	"XlaVariadicReduce":      variadicReduce,
	"XlaVariadicReduceV2":    variadicReduce,
	"XlaGather":              gather,
	"XlaDynamicSlice":        dynamicSlice,
	"XlaSharding":            same,
	"XlaOptimizationBarrier": sameEach,
}

// operands is how many inputs the ops need whose rules read them by position.
var operands = map[string]int{
	"XlaConv": 7, "XlaConvV2": 7, "XlaDot": 2, "XlaDotV2": 2, "XlaEinsum": 2, "XlaPad": 5, "XlaReduceWindow": 7, "XlaReduce": 2,
	"XlaGather": 3, "XlaDynamicSlice": 3,
}

// Lower returns g without XLA's operations; g itself if it has none. The error names the node, and what of it has no counterpart.
func Lower(model *graphdef.SavedModel, g *graphdef.Graph, infer Inference) (*graphdef.Graph, error) {
	if !slices.ContainsFunc(g.Nodes, func(n *graphdef.Node) bool { return IsOp(n.Op) }) {
		return g, nil
	}
	done := map[tensor]tensor{}
	now := func(t tensor) tensor {
		if to, ok := done[t]; ok {
			return to
		}
		return t
	}
	copies := map[*graphdef.Node]*graphdef.Node{}
	for _, n := range g.Nodes {
		if len(n.Inputs) == 0 {
			continue
		}
		c := *n
		c.Inputs = slices.Clone(n.Inputs)
		for i, in := range c.Inputs {
			if copied := copies[in.Node]; copied != nil && done[in].Node == nil {
				in.Node = copied
			}
			c.Inputs[i] = now(in)
		}
		copies[n] = &c
		rule := rules[n.Op]
		if rule == nil {
			continue
		}
		b := &builder{node: &c, infer: infer, model: model}
		if least := operands[n.Op]; len(c.Inputs) < max(least, 1) {
			return nil, fmt.Errorf("op %s (node %q) has %d inputs instead of %d", n.Op, n.Name, len(c.Inputs), least)
		}
		out, err := rule(b, &c)
		if err != nil {
			return nil, fmt.Errorf("op %s (node %q) is XLA's, and is not written as TensorFlow's: %w", n.Op, n.Name, err)
		}
		done[tensor{Node: n}] = out
	}
	output := g.Output
	if to, ok := done[output]; ok {
		output = to
	} else if copied := copies[output.Node]; copied != nil {
		output.Node = copied
	}
	lowered, err := g.WithOutput(output)
	if err != nil {
		return nil, err
	}
	for _, n := range lowered.Nodes {
		if IsOp(n.Op) {
			return nil, fmt.Errorf("op %s (node %q): its second output is used", n.Op, n.Name)
		}
	}
	lowered.CustomGradients = g.CustomGradients
	return lowered, nil
}

// A builder makes the nodes that take the place of one.
type builder struct {
	node  *graphdef.Node
	infer Inference
	model *graphdef.SavedModel
	count int
}

func (b *builder) op(kind string, a attrs, inputs ...tensor) tensor {
	n := &graphdef.Node{Name: fmt.Sprintf("%s/lowered_%d", b.node.Name, b.count), Op: kind, Inputs: inputs, Attr: a}
	b.count++
	return tensor{Node: n}
}

// typed adds an op whose only attribute is the type of its operands, T.
func (b *builder) typed(kind string, t types_go_proto.DataType, inputs ...tensor) tensor {
	return b.op(kind, attrs{"T": typeAttr(t)}, inputs...)
}

func (b *builder) cast(x tensor, from, to types_go_proto.DataType) tensor {
	if from == to || to == types_go_proto.DataType_DT_INVALID {
		return x
	}
	return b.op("Cast", attrs{"SrcT": typeAttr(from), "DstT": typeAttr(to)}, x)
}

// constants reads an input that has to be known before the graph runs.
func (b *builder) constants(input int, what string) ([]int64, error) {
	if input >= len(b.node.Inputs) {
		return nil, fmt.Errorf("it has no %s", what)
	}
	v, ok := b.infer.Ints(b.node.Inputs[input])
	if !ok {
		return nil, fmt.Errorf("its %s are not constants", what)
	}
	return v, nil
}

// shape is a shape whose sizes are known.
func (b *builder) shape(t tensor) ([]int64, error) {
	s := b.infer.Shape(t)
	if s == nil || slices.Contains(s, -1) {
		return nil, fmt.Errorf("the shape of %s is not known", t.Name())
	}
	return s, nil
}

// follows reports whether a size follows from the number of images.
func (b *builder) follows(size int64) bool {
	batch := b.infer.Batch()
	return batch > 1 && size > 0 && size%batch == 0
}

var errBatch = errors.New("it mixes the images of a batch; save the model with a fixed batch size")

// open is a shape for Reshape: where a size follows from the batch it is left to be found.
func (b *builder) open(shape []int64) []int64 {
	open := slices.Clone(shape)
	if i := slices.IndexFunc(open, b.follows); i >= 0 {
		open[i] = -1
	}
	return open
}

func (b *builder) reshape(x tensor, t types_go_proto.DataType, shape []int64) tensor {
	return b.op("Reshape", attrs{"T": typeAttr(t), "Tshape": typeAttr(types_go_proto.DataType_DT_INT32)}, x, b.ints(shape...))
}

// transpose puts axis p[i] of x at i.
func (b *builder) transpose(x tensor, t types_go_proto.DataType, p []int64) tensor {
	if slices.IsSorted(p) {
		return x
	}
	return b.op("Transpose", attrs{"T": typeAttr(t), "Tperm": typeAttr(types_go_proto.DataType_DT_INT32)}, x, b.ints(p...))
}

func same(_ *builder, n *graphdef.Node) (tensor, error) { return n.Inputs[0], nil }

func sameEach(_ *builder, n *graphdef.Node) (tensor, error) {
	if len(n.Inputs) != 1 {
		return tensor{}, fmt.Errorf("it has %d inputs", len(n.Inputs))
	}
	return n.Inputs[0], nil
}

func einsum(b *builder, n *graphdef.Node) (tensor, error) {
	t := n.Attr["T"].GetType()
	return b.einsum(string(n.Attr["equation"].GetS()), t, n.Inputs[0], n.Inputs[1]), nil
}

func (b *builder) einsum(equation string, t types_go_proto.DataType, x, y tensor) tensor {
	a := attrs{"T": typeAttr(t), "N": intAttr(2), "equation": stringAttr(strings.ReplaceAll(equation, " ", ""))}
	return b.op("Einsum", a, x, y)
}
