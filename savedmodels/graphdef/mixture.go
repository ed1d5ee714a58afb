package graphdef

import (
	"math"
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// sum follows a sum of probabilities, as in the mean of several networks, and the small number that keeps one off 0.
func (a *headFinder) sum(n *Node, depth int) (form, bool) {
	if len(n.Inputs) == 2 {
		for i := range 2 {
			if added, constant := number(n.Inputs[1-i]); constant {
				f, ok := a.find(n.Inputs[i], depth-1)
				f.plain = false
				return f, ok && f.kind != LogSoftmax && math.Abs(added) <= 1e-3*f.scale
			}
		}
	}
	forms := make([]form, len(n.Inputs))
	for i, in := range n.Inputs {
		f, ok := a.find(in, depth-1)
		if !ok || f.kind == LogSoftmax || f.classes != nil || f.kind != forms[0].kind && i > 0 ||
			!slices.Equal(f.shape, a.prober.Shape(in)) || i > 0 && !slices.Equal(f.shape, forms[0].shape) {
			return form{}, false
		}
		forms[i] = f
	}
	total := 0.0
	for _, f := range forms {
		total += f.scale
	}
	all := form{kind: forms[0].kind, dtype: types_go_proto.DataType_DT_FLOAT, shape: forms[0].shape, scale: total}
	all.logits = a.mixture(all.kind, func(log func(form) Tensor) Tensor {
		terms := make([]Tensor, len(forms))
		for i, f := range forms {
			terms[i] = log(f)
			if f.scale != forms[0].scale {
				terms[i] = a.add("AddV2", all.dtype, terms[i], a.number(math.Log(f.scale/forms[0].scale)))
			}
		}
		return a.logMean(a.stack(terms, 0), []int64{0}, false)
	})
	return all, true
}

// mean follows the mean or the sum of probabilities over other dimensions than the classes'.
func (a *headFinder) mean(t Tensor, depth int) (form, bool) {
	n := t.Node
	axes, constant := n.Inputs[1].Ints()
	shape := a.prober.Shape(n.Inputs[0])
	f, ok := a.find(n.Inputs[0], depth-1)
	if !constant || !ok || f.kind == LogSoftmax || f.classes != nil || !slices.Equal(f.shape, shape) {
		return form{}, false
	}
	count := int64(1)
	for i := range axes {
		if axes[i] < 0 {
			axes[i] += int64(len(shape))
		}
		if axes[i] < 0 || axes[i] >= int64(len(shape)) || f.kind == Softmax && axes[i] == int64(len(shape)-1) {
			return form{}, false
		}
		count *= shape[axes[i]]
	}
	all := form{kind: f.kind, dtype: types_go_proto.DataType_DT_FLOAT, shape: a.prober.Shape(t), scale: f.scale}
	if n.Op == "Sum" {
		all.scale *= float64(count)
	}
	all.logits = a.mixture(f.kind, func(log func(form) Tensor) Tensor {
		return a.logMean(log(f), axes, n.Attr["keep_dims"].GetB())
	})
	return all, true
}

// mixture returns the logits of a mean of probabilities: its logarithm, or for independent ones what that of p has ahead of that of
// 1 - p. logMean calculates the logarithm of the mean from the logarithms of the parts, in which nothing underflows.
func (a *headFinder) mixture(kind string, logMean func(log func(form) Tensor) Tensor) Tensor {
	const float = types_go_proto.DataType_DT_FLOAT
	if kind == Softmax {
		return logMean(func(f form) Tensor { return a.logSoftmax(f) })
	}
	p := logMean(func(f form) Tensor {
		return a.add("Neg", float, a.add("Softplus", float, a.add("Neg", float, a.float(f))))
	})
	rest := logMean(func(f form) Tensor { return a.add("Neg", float, a.add("Softplus", float, a.float(f))) })
	return a.add("Sub", float, p, rest)
}

// logSoftmax is the logarithm of the softmax of a form's logits. Unlike the op of that name it has, next to p = 1 too, derivatives that
// keep their digits: with t the largest of the z, log p_k = (z_k - z_t) - log(1 + sum over k != t of exp(z_k - z_t)).
func (e *editor) logSoftmax(f form) Tensor {
	const float = types_go_proto.DataType_DT_FLOAT
	z, last := e.float(f), int64(len(f.shape)-1)
	top := e.largest(z, f.shape)
	zero := e.number(0)
	own := e.reduce("Sum", e.add("SelectV2", float, top, z, zero), []int64{last}, true)
	behind := e.add("SelectV2", float, top, zero, e.add("Sub", float, z, own))
	rest := e.add("SelectV2", float, top, zero, e.add("Exp", float, behind))
	return e.add("Sub", float, behind, e.add("Log1p", float, e.reduce("Sum", rest, []int64{last}, true)))
}

// smallest is the smallest normal float32.
const smallest = 1.1754944e-38

// logMean is log(mean(exp(x))) over axes of a float32 tensor. Where all are masked by minus infinity it is a very small number.
func (e *editor) logMean(x Tensor, axes []int64, keep bool) Tensor {
	const float = types_go_proto.DataType_DT_FLOAT
	largest := func(keep bool) Tensor {
		return e.add("StopGradient", float, e.add("Maximum", float, e.reduce("Max", x, axes, keep), e.number(-1e30)))
	}
	mean := e.reduce("Mean", e.add("Exp", float, e.add("Sub", float, x, largest(true))), axes, keep)
	return e.add("AddV2", float, e.add("Log", float, e.add("Maximum", float, mean, e.number(smallest))), largest(keep))
}

// writtenSoftmax recognises exp(z) / sum(exp(z)), and with a product in place of the quotient. What is taken off all the z of a row,
// as their maximum, is no part of the logits.
func (a *headFinder) writtenSoftmax(n *Node) (Tensor, bool) {
	e, sum, ok := a.normalised(n)
	if !ok || e.Node.Op != "Exp" {
		return Tensor{}, false
	}
	z := e.Node.Inputs[0]
	for z.Node.Op == "Sub" && a.oneFor(z.Node.Inputs[1], a.prober.Shape(e)) && a.prober.Shape(z.Node.Inputs[0]) != nil {
		z = z.Node.Inputs[0]
	}
	return z, sum
}

// normalised recognises x / sum(x) along the last dimension. sum is false for another divisor.
func (a *headFinder) normalised(n *Node) (x Tensor, sum, ok bool) {
	if len(n.Inputs) != 2 {
		return Tensor{}, false, false
	}
	x, by := n.Inputs[0], n.Inputs[1]
	if n.Op == "Mul" {
		if by.Node.Op != "Reciprocal" && by.Node.Op != "Inv" {
			x, by = by, x
		}
		if by.Node.Op != "Reciprocal" && by.Node.Op != "Inv" {
			return Tensor{}, false, false
		}
		by = by.Node.Inputs[0]
	}
	for {
		// What keeps the divisor off 0.
		if op := by.Node.Op; op != "Maximum" && op != "AddV2" && op != "Add" {
			break
		}
		small, constant := number(by.Node.Inputs[1])
		if !constant || math.Abs(small) > 1e-3 {
			break
		}
		by = by.Node.Inputs[0]
	}
	sum = by.Node.Op == "Sum" && len(by.Node.Inputs) == 2 && by.Node.Inputs[0] == x && a.oneFor(by, a.prober.Shape(x))
	return x, sum, sum
}

// oneFor reports whether a tensor has one number for each row of a tensor of the given shape.
func (a *headFinder) oneFor(t Tensor, of []int64) bool {
	shape := a.prober.Shape(t)
	if len(of) == 0 || len(shape) != len(of) || shape[len(shape)-1] != 1 {
		return false
	}
	return slices.Equal(shape[:len(shape)-1], of[:len(of)-1])
}

// writtenSigmoid recognises 1 / (1 + exp(x)) = sigmoid(-x) and returns x.
func (a *headFinder) writtenSigmoid(n *Node) (Tensor, bool) {
	by := n.Inputs[0]
	if len(n.Inputs) == 2 {
		if one, constant := number(n.Inputs[0]); !constant || one != 1 {
			return Tensor{}, false
		}
		by = n.Inputs[1]
	}
	if by.Node.Op != "AddV2" && by.Node.Op != "Add" {
		return Tensor{}, false
	}
	for i := range 2 {
		one, constant := number(by.Node.Inputs[1-i])
		if in := by.Node.Inputs[i].Node; constant && one == 1 && in.Op == "Exp" {
			return in.Inputs[0], true
		}
	}
	return Tensor{}, false
}
