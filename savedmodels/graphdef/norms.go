package graphdef

import (
	"slices"
	"strings"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// FoldNorms returns the graph with the scales and shifts of channels that follow a product with a weight put into that weight and
// one BiasAdd: batch normalisation in inference mode, in one op or spelt out, and what else multiplies channels by weights. A
// product that others read too stays as it is, and so does all that is not float32. Values change by rounding alone. count says how
// many products were folded.
func (g *Graph) FoldNorms(w Weights) (folded *Graph, count int, err error) {
	out := g.clone()
	original := make(map[*Node]*Node, len(g.Nodes))
	for i, n := range out.Nodes {
		original[n] = g.Nodes[i]
	}
	shape := func(t Tensor) []int64 {
		if n := original[t.Node]; n != nil {
			return w.Shape(Tensor{n, t.Index})
		}
		return nil
	}
	f := &normFolder{
		calculator: calculator{weights: w, shape: shape, known: map[*Node][]float64{}},
		editor:     newEditor(g, "folded"), readers: out.readers(), redirect: redirects{},
	}
	for _, n := range out.Nodes {
		f.redirect.inputs(n)
		if p, ok := f.product(n); ok && f.fold(p) {
			count++
		}
	}
	out.Output = f.redirect.of(out.Output)
	folded, err = newGraph(out.Output, out.Input, out.versions)
	return folded, count, err
}

type normFolder struct {
	calculator
	editor   *editor
	readers  map[*Node][]*Node
	redirect redirects
}

// A channelProduct is a node that multiplies its first input with a weight, each of whose elements counts for one channel of the result.
type channelProduct struct {
	node     *Node
	axis     int   // of the channels in the result
	rank     int   // of the result
	channels int64 // their number
	inner    int64 // neighbouring elements of the weight that count for one channel
}

// product says whether a node is one.
func (f *normFolder) product(n *Node) (channelProduct, bool) {
	p := channelProduct{node: n, inner: 1}
	if n.Attr["T"].GetType() != f32 || len(n.Inputs) != 2 || len(f.readers[n]) != 1 {
		return p, false
	}
	switch n.Op {
	case "Conv2D", "DepthwiseConv2dNative":
		p.axis = strings.IndexByte(format(n), 'C')
	case "MatMul":
		p.axis = 1
	default:
		return p, false
	}
	result, weight := f.shape(Tensor{n, 0}), f.shape(n.Inputs[1])
	if p.axis < 0 || p.axis >= len(result) || weight == nil {
		return p, false
	}
	p.rank, p.channels = len(result), result[p.axis]
	if n.Op == "MatMul" && n.Attr["transpose_b"].GetB() {
		p.inner = weight[1]
	}
	return p, true
}

func format(n *Node) string {
	if s := string(n.Attr["data_format"].GetS()); s != "" {
		return s
	}
	return "NHWC"
}

// fold follows what scales and shifts the product's channels, and puts it into the weight and a bias.
func (f *normFolder) fold(p channelProduct) bool {
	scale, shift, scaled := []float64{1}, []float64{0}, false
	last := p.node
	for len(f.readers[last]) == 1 && f.readers[last][0] != nil {
		next := f.readers[last][0]
		s, b, ok := f.affine(next, Tensor{last, 0}, p)
		if !ok {
			break
		}
		scale, shift = both(scale, s, times), both(both(shift, s, times), b, plus)
		scaled = scaled || !slices.Equal(s, []float64{1})
		last = next
	}
	if !scaled {
		return false
	}
	weight, known := f.values(p.node.Inputs[1])
	if !known {
		return false
	}
	values := make([]float32, len(weight))
	for i, v := range weight {
		values[i] = float32(v * scale[int(int64(i)/p.inner%p.channels)%len(scale)])
	}
	node := *p.node
	product := f.editor.node(node.Op, node.Attr, node.Inputs[0], f.variable(values, f.shape(p.node.Inputs[1])))
	if slices.ContainsFunc(shift, func(v float64) bool { return v != 0 }) {
		bias := make([]float32, p.channels)
		for i := range bias {
			bias[i] = float32(shift[i%len(shift)])
		}
		layout := "NHWC" // of whatever rank
		if p.axis == 1 && p.rank > 2 {
			layout = "NCHW"
		}
		product = f.editor.node("BiasAdd", map[string]*attr_value_go_proto.AttrValue{
			"T": typeAttr(f32), "data_format": {Value: &attr_value_go_proto.AttrValue_S{S: []byte(layout)}},
		}, product, f.variable(bias, []int64{p.channels}))
	}
	f.redirect[Tensor{last, 0}] = product
	return true
}

func (f *normFolder) variable(values []float32, shape []int64) Tensor {
	v := f.editor.node("ReadVariableOp", nil)
	v.Node.Variable = &Variable{
		Name: v.Node.Name, DType: types_go_proto.DataType_DT_FLOAT, Shape: shape, Position: f.weights.Add(values, shape),
	}
	return v
}

// affine is what a node does to the channels of t if that is no more than to scale and to shift each: one number for all, or one for
// each.
func (f *normFolder) affine(n *Node, t Tensor, p channelProduct) (scale, shift []float64, ok bool) {
	one, zero := []float64{1}, []float64{0}
	if n.Attr["T"].GetType() != f32 || len(n.Inputs) < 2 {
		return nil, nil, false
	}
	switch n.Op {
	case "BiasAdd":
		b, ok := f.values(n.Inputs[1])
		return one, b, ok && n.Inputs[0] == t && (p.rank == 2 || strings.IndexByte(format(n), 'C') == p.axis)
	case "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3":
		return f.norm(n, t, p)
	}
	first := n.Inputs[0] == t
	operand := n.Inputs[1]
	if !first {
		operand = n.Inputs[0]
	}
	if len(n.Inputs) != 2 || !first && n.Inputs[1] != t {
		return nil, nil, false
	}
	v, ok := f.perChannel(operand, p)
	if !ok {
		return nil, nil, false
	}
	switch {
	case n.Op == "Mul":
		return v, zero, true
	case n.Op == "Add" || n.Op == "AddV2":
		return one, v, true
	case n.Op == "Sub" && first:
		return one, each(v, oneOperand["Neg"]), true
	case n.Op == "Sub":
		return []float64{-1}, v, true
	case (n.Op == "RealDiv" || n.Op == "Div") && first:
		return each(v, oneOperand["Reciprocal"]), zero, true
	}
	return nil, nil, false
}

// norm is batch normalisation in inference mode whose first output alone is read.
func (f *normFolder) norm(n *Node, t Tensor, p channelProduct) (scale, shift []float64, ok bool) {
	if trains := n.Attr["is_training"]; trains == nil || trains.GetB() || len(n.Inputs) != 5 || n.Inputs[0] != t ||
		strings.IndexByte(format(n), 'C') != p.axis {
		return nil, nil, false
	}
	for _, reader := range f.readers[n] {
		if reader != nil && slices.ContainsFunc(reader.Inputs, func(in Tensor) bool { return in.Node == n && in.Index > 0 }) {
			return nil, nil, false
		}
	}
	var v [4][]float64 // gamma, beta, mean, variance
	for i := range v {
		if v[i], ok = f.values(n.Inputs[i+1]); !ok {
			return nil, nil, false
		}
	}
	epsilon := 1e-4 // the op's default
	if given := n.Attr["epsilon"]; given != nil {
		epsilon = float64(given.GetF())
	}
	root := each(each(v[3], func(x float64) float64 { return x + epsilon }), oneOperand["Rsqrt"])
	scale = both(v[0], root, times)
	return scale, both(v[1], both(v[2], scale, times), minus), true
}

// perChannel is a tensor that has one number for all channels, or one for each along the channels' axis.
func (f *normFolder) perChannel(t Tensor, p channelProduct) ([]float64, bool) {
	v, known := f.values(t)
	if !known {
		return nil, false
	}
	shape := f.shape(t)
	if len(shape) > p.rank {
		return nil, false
	}
	for i, d := range shape {
		if axis := p.rank - len(shape) + i; d != 1 && (axis != p.axis || d != p.channels) {
			return nil, false
		}
	}
	return v, true
}
