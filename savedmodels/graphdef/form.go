package graphdef

import (
	"math"
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	"upi/savedmodels/tensors"
)

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
		len(f.classes) == 1 && tensors.Elements(from) == from[0] && tensors.Elements(to) == from[0]
	switch {
	case drops:
		return f, true
	case f.classes == nil && (same || f.kind == Sigmoid):
		f.logits, f.shape = a.again(t.Node, f), to
		return f, true
	}
	return f, false
}

// rows is the product of all dimensions but the last.
func rows(shape []int64) int64 { return tensors.Elements(shape[:max(len(shape)-1, 0)]) }

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
