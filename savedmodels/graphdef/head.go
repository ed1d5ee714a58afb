package graphdef

import (
	"math"
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// What the ops that make an output say of it.
const (
	Softmax    = "softmax"
	LogSoftmax = "log_softmax"
	Sigmoid    = "sigmoid"
	Affine     = "affine" // sums of products, which nothing bounds: no probabilities
	Unknown    = ""
)

// A Head is what the ops that make a network's output say of it.
type Head struct {
	Kind string
	// Logits are, for the kinds of probabilities, what the output is the Kind of: [..., columns]. Their graph has nodes that
	// the original does not have.
	Logits Tensor
	// Classes are the columns of Logits that the output keeps, in its order; nil for all of them. What a softmax sums over are all.
	Classes []int
	// Columns is the number of columns of Logits.
	Columns int
	// Scale is by what the output is larger than the probabilities: 100 for percentages.
	Scale float64
	// Plain heads are one op and moves. Of the others it is worth checking on data that they were understood.
	Plain bool

	form form
}

// A Prober knows the static shapes (nil: open) and the types of the tensors of a graph.
type Prober interface {
	Shape(Tensor) []int64
	Type(Tensor) types_go_proto.DataType
}

// Head walks back from the output to what makes it probabilities. It sees through casts, reshapes, a factor, slices, the guards of
// the numbers near 0 and 1, and means of probabilities; it knows the ops Softmax, LogSoftmax and Sigmoid and the ways in which they
// are written out.
func (g *Graph) Head(p Prober) Head {
	a := newHeadFinder(g, p, "head")
	if f, ok := a.find(g.Output, maxHeadDepth); ok {
		return Head{Kind: f.kind, Logits: f.logits, Classes: f.classes, Columns: columnsOf(f.shape, a.prober.Shape(g.Output)),
			Scale: f.scale, Plain: f.plain, form: f}
	}
	if a.affine(g.Output, maxHeadDepth) {
		return Head{Kind: Affine, Scale: 1, Plain: true}
	}
	return Head{}
}

// columnsOf is how many logits there are for each image. Where one dimension is all that is left of the output it is the batch.
func columnsOf(logits, output []int64) int {
	if len(logits) == 1 && len(output) == 1 {
		return 1
	}
	return int(logits[len(logits)-1])
}

// maxHeadDepth bounds how many ops a head is made of.
const maxHeadDepth = 64

// A form is a tensor that is Scale times the probabilities, or the logarithms of probabilities, of some logits.
type form struct {
	kind    string
	logits  Tensor
	dtype   types_go_proto.DataType // of the logits
	shape   []int64                 // of the logits
	classes []int                   // as in Head
	scale   float64
	plain   bool
}

type headFinder struct {
	graph  *Graph
	prober Prober
	*editor
	forms   map[Tensor]*form // nil: none
	affines map[Tensor]bool
}

func newHeadFinder(g *Graph, p Prober, prefix string) *headFinder {
	return &headFinder{graph: g, prober: p, editor: newEditor(g, prefix), forms: map[Tensor]*form{}, affines: map[Tensor]bool{}}
}

// find returns the form of a tensor of the network.
func (a *headFinder) find(t Tensor, depth int) (form, bool) {
	known, seen := a.forms[t]
	if !seen {
		a.forms[t] = nil
		if f, ok := a.look(t, depth); ok {
			known = &f
			a.forms[t] = known
		}
	}
	if known == nil {
		return form{}, false
	}
	return *known, true
}

// look finds the form of a tensor from those of the op's inputs.
func (a *headFinder) look(t Tensor, depth int) (form, bool) {
	n := t.Node
	if depth == 0 || t.Index != 0 || len(n.Inputs) == 0 || a.prober.Shape(t) == nil {
		return form{}, false
	}
	of := func(kind string, logits Tensor) (form, bool) {
		shape := a.prober.Shape(logits)
		return form{kind, logits, a.prober.Type(logits), shape, nil, 1, true}, len(shape) > 0
	}
	inner := func(i int) (form, bool) { return a.find(n.Inputs[i], depth-1) }
	switch n.Op {
	case "Softmax":
		return of(Softmax, n.Inputs[0])
	case "LogSoftmax":
		return of(LogSoftmax, n.Inputs[0])
	case "Sigmoid":
		return of(Sigmoid, n.Inputs[0])
	case "Cast":
		f, ok := inner(0)
		return f, ok && floating(a.prober.Type(t))
	case "Reshape", "Squeeze", "ExpandDims", "Transpose":
		f, ok := inner(0)
		return a.moved(f, t, ok)
	case "Slice", "StridedSlice", "GatherV2":
		f, ok := inner(0)
		return a.sliced(f, t, ok)
	case "Mul":
		for i := range 2 {
			if factor, constant := number(n.Inputs[1-i]); constant && factor > 0 {
				f, ok := inner(i)
				return f.times(factor, ok)
			}
		}
		if z, ok := a.writtenSoftmax(n); ok {
			return of(Softmax, z)
		}
	case "RealDiv", "Div":
		if factor, constant := number(n.Inputs[1]); constant && factor > 0 {
			f, ok := inner(0)
			return f.times(1/factor, ok)
		}
		if z, ok := a.writtenSoftmax(n); ok {
			return of(Softmax, z)
		}
		if z, ok := a.writtenSigmoid(n); ok {
			f, ok := of(Sigmoid, z)
			return a.negated(f, ok)
		}
	case "Reciprocal", "Inv":
		if z, ok := a.writtenSigmoid(n); ok {
			f, ok := of(Sigmoid, z)
			return a.negated(f, ok)
		}
	case "Exp":
		f, ok := inner(0)
		f.kind = Softmax
		return f, ok && a.isLog(n.Inputs[0], depth)
	case "Log":
		f, ok := inner(0)
		ok = ok && f.kind == Softmax && f.scale == 1
		f.kind = LogSoftmax
		return f, ok
	case "Sub":
		// 1 - sigmoid(z) = sigmoid(-z)
		if one, constant := number(n.Inputs[0]); constant && one == 1 {
			f, ok := inner(1)
			return a.negated(f, ok && f.kind == Sigmoid && f.scale == 1)
		}
	case "ClipByValue", "Maximum", "Minimum":
		return a.guarded(n, depth)
	case "ConcatV2":
		axis, constant := n.Inputs[len(n.Inputs)-1].Ints()
		rank := int64(len(a.prober.Shape(t)))
		if constant && (axis[0] == -1 || axis[0] == rank-1) {
			return a.together(t, n.Inputs[:len(n.Inputs)-1], depth)
		}
	case "Pack":
		return a.packed(t, depth)
	case "Add", "AddV2", "AddN":
		return a.sum(n, depth)
	case "Mean", "Sum":
		return a.mean(t, depth)
	}
	return form{}, false
}

func (f form) times(factor float64, ok bool) (form, bool) {
	f.scale *= factor
	f.plain = false
	return f, ok && f.kind != LogSoftmax
}

// isLog reports whether a tensor has the form of logarithms of probabilities.
func (a *headFinder) isLog(t Tensor, depth int) bool {
	f, ok := a.find(t, depth-1)
	return ok && f.kind == LogSoftmax
}

// negated gives the probabilities 1 - p.
func (a *headFinder) negated(f form, ok bool) (form, bool) {
	if !ok {
		return f, false
	}
	f.logits, f.plain = a.add("Neg", f.dtype, f.logits), false
	return f, true
}

// moved repeats an op on the logits that moves elements but keeps the last dimension together.
func (a *headFinder) moved(f form, t Tensor, ok bool) (form, bool) {
	from, to := a.prober.Shape(t.Node.Inputs[0]), a.prober.Shape(t)
	if !ok || len(from) == 0 {
		return f, false
	}
	same := len(to) > 0 && from[len(from)-1] == to[len(to)-1]
	if same && t.Node.Op == "Transpose" {
		order, constant := t.Node.Inputs[1].Ints()
		same = constant && len(order) == len(from) && int(order[len(order)-1]) == len(from)-1
	}
	// One row for each image before and after: whoever reads the logits drops the dimensions of 1.
	drops := same && rows(from) == from[0] && rows(to) == from[0] && t.Node.Op != "Transpose" ||
		len(f.classes) == 1 && product64(from) == from[0] && product64(to) == from[0]
	switch {
	case drops:
		return f, true
	case f.classes == nil && (same || f.kind == Sigmoid):
		f.logits, f.shape = a.again(t.Node, f), to
		return f, true
	}
	return f, false
}

func product64(shape []int64) int64 {
	count := int64(1)
	for _, d := range shape {
		count *= d
	}
	return count
}

// rows is the product of all dimensions but the last.
func rows(shape []int64) int64 { return product64(shape[:max(len(shape)-1, 0)]) }

// again repeats a node of the network with the logits in place of its first input.
func (a *headFinder) again(n *Node, f form) Tensor {
	inputs := slices.Clone(n.Inputs)
	inputs[0] = f.logits
	attr := cloneAttr(n.Attr)
	name := "T"
	if n.Op == "GatherV2" {
		name = "Tparams"
	}
	attr[name] = typeAttr(f.dtype)
	return a.node(n.Op, attr, inputs...)
}

// sliced follows a slice of the classes, or of other dimensions.
func (a *headFinder) sliced(f form, t Tensor, ok bool) (form, bool) {
	if !ok {
		return f, false
	}
	from := a.prober.Shape(t.Node.Inputs[0])
	c, known := cutOf(t.Node, from)
	switch {
	case !known:
		return f, false
	case f.kind == Sigmoid && f.classes == nil:
		f.logits, f.shape, f.plain = a.again(t.Node, f), a.prober.Shape(t), false
		return f, true
	case c.lastWhole && f.classes == nil:
		f.logits, f.shape = a.again(t.Node, f), a.prober.Shape(t)
		return f, true
	case c.othersWhole:
		columns := f.classes
		if columns == nil {
			columns = upTo(f.shape[len(f.shape)-1])
		}
		f.classes, f.plain = nil, false
		for _, i := range c.last {
			if slices.Contains(f.classes, columns[i]) {
				return f, false
			}
			f.classes = append(f.classes, columns[i])
		}
		if slices.Equal(f.classes, upTo(f.shape[len(f.shape)-1])) {
			f.classes = nil
		}
		return f, true
	}
	return f, false
}

func upTo(n int64) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// guarded sees through limits that only keep numbers off 0 and 1.
func (a *headFinder) guarded(n *Node, depth int) (form, bool) {
	const guard = 1e-3
	at := 0
	if _, constant := number(n.Inputs[0]); constant && n.Op != "ClipByValue" {
		at = 1
	}
	f, ok := a.find(n.Inputs[at], depth-1)
	if !ok || f.kind == LogSoftmax {
		return f, false
	}
	for i, in := range n.Inputs {
		if i == at {
			continue
		}
		limit, constant := number(in)
		lower := n.Op == "Maximum" || n.Op == "ClipByValue" && i == 1
		if !constant || lower && limit > guard*f.scale || !lower && limit < (1-guard)*f.scale {
			return f, false
		}
	}
	f.plain = false
	return f, true
}

// together joins independent probabilities along the last dimension.
func (a *headFinder) together(t Tensor, parts []Tensor, depth int) (form, bool) {
	if len(parts) == 1 {
		return a.find(parts[0], depth-1)
	}
	logits := make([]Tensor, len(parts))
	scale := 0.0
	for i, part := range parts {
		f, ok := a.find(part, depth-1)
		if !ok || f.kind != Sigmoid || i > 0 && math.Abs(f.scale-scale) > 1e-6 || !slices.Equal(f.shape, a.prober.Shape(part)) {
			return f, false
		}
		logits[i], scale = a.float(f), f.scale
	}
	shape := a.prober.Shape(t)
	return form{Sigmoid, a.concat(logits, len(shape)-1), types_go_proto.DataType_DT_FLOAT, shape, nil, scale, false}, true
}

// packed stacks probabilities: independent ones along any dimension, others along any but the last.
func (a *headFinder) packed(t Tensor, depth int) (form, bool) {
	n, shape := t.Node, a.prober.Shape(t)
	axis := int(n.Attr["axis"].GetI())
	if axis < 0 {
		axis += len(shape)
	}
	logits := make([]Tensor, len(n.Inputs))
	var all form
	for i, part := range n.Inputs {
		f, ok := a.find(part, depth-1)
		if !ok || f.classes != nil || f.kind != Sigmoid && axis == len(shape)-1 || !slices.Equal(f.shape, a.prober.Shape(part)) {
			return f, false
		}
		if i > 0 && (f.kind != all.kind || math.Abs(f.scale-all.scale) > 1e-6) {
			return f, false
		}
		all, logits[i] = f, a.float(f)
	}
	all.logits = a.stack(logits, axis)
	all.dtype, all.shape, all.plain = types_go_proto.DataType_DT_FLOAT, shape, false
	return all, true
}

// affine reports whether the last op that is not a move or a factor is a sum of products.
func (a *headFinder) affine(t Tensor, depth int) bool {
	known, seen := a.affines[t]
	if !seen {
		known = a.isAffine(t, depth)
		a.affines[t] = known
	}
	return known
}

func (a *headFinder) isAffine(t Tensor, depth int) bool {
	n := t.Node
	if depth == 0 || len(n.Inputs) == 0 {
		return false
	}
	switch n.Op {
	case "MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum", "Conv2D", "DepthwiseConv2dNative":
		// A product with probabilities may be probabilities.
		_, probabilities := a.find(n.Inputs[0], depth-1)
		return !probabilities
	case "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3":
		return true
	case "Cast", "Reshape", "Squeeze", "ExpandDims", "Transpose", "BiasAdd", "Neg", "Mean", "Sum", "Slice", "StridedSlice", "GatherV2":
		return a.affine(n.Inputs[0], depth-1)
	case "Add", "AddV2", "Sub", "ConcatV2", "AddN", "Pack", "Select", "SelectV2":
		return slices.ContainsFunc(n.Inputs, func(in Tensor) bool { return a.affine(in, depth-1) })
	case "Mul", "RealDiv", "Div":
		for i := range 2 {
			if in := n.Inputs[1-i].Node; in.Op == "Const" || in.Variable != nil {
				return a.affine(n.Inputs[i], depth-1)
			}
		}
	}
	return false
}
