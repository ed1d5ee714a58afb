package graphdef

import (
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
// are written out. alone says that the output has one score for each image and no dimension for it.
func (g *Graph) Head(p Prober, alone bool) Head {
	a := newHeadFinder(g, p, "head")
	if f, ok := a.find(g.Output, maxHeadDepth); ok {
		return Head{Kind: f.kind, Logits: f.logits, Classes: f.classes, Columns: columnsOf(f.shape, alone),
			Scale: f.scale, Plain: f.plain, form: f}
	}
	if a.affine(g.Output, maxHeadDepth) {
		return Head{Kind: Affine, Scale: 1, Plain: true}
	}
	return Head{}
}

// columnsOf is how many logits there are for each image.
func columnsOf(logits []int64, alone bool) int {
	if len(logits) == 1 && alone {
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
