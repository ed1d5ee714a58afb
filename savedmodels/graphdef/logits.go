package graphdef

import (
	"math"
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// WithLogits ends the graph at the logits of a head of Kind Softmax, LogSoftmax or Sigmoid: one row of columns for each image, the
// head's classes first. Of a softmax of which one class is kept there are two columns, the others together and that class.
func (g *Graph) WithLogits(h Head) (*Graph, error) {
	e := newEditor(g, "logits")
	z := h.Logits
	if h.Classes == nil {
		return g.WithOutput(z)
	}
	axis := len(h.form.shape) - 1
	z = e.float(h.form)
	columns := h.Classes
	var rest []int
	for _, i := range upTo(int64(h.Columns)) {
		if !slices.Contains(columns, i) {
			rest = append(rest, i)
		}
	}
	if len(columns) > 1 {
		return g.WithOutput(e.gather(z, append(slices.Clone(columns), rest...), axis))
	}
	others := e.gather(z, rest, axis)
	if len(rest) > 1 {
		others = e.add("AddV2", f32, e.logMean(others, []int64{int64(axis)}, true), e.number(math.Log(float64(len(rest)))))
	}
	return g.WithOutput(e.concat([]Tensor{others, e.gather(z, columns, axis)}, axis))
}

const f32 = types_go_proto.DataType_DT_FLOAT

// WithLog ends the graph at the logarithm of its output, which holds probabilities that Head does not know. As far as ops allow it is
// calculated from logarithms, which do not underflow.
func (g *Graph) WithLog(p Prober) (*Graph, error) {
	a := newHeadFinder(g, p, "log")
	return g.WithOutput(a.log(g.Output, maxHeadDepth))
}

// WithLogit ends the graph at log(p / (1 - p)) of its output p.
func (g *Graph) WithLogit(p Prober) (*Graph, error) {
	a := newHeadFinder(g, p, "logit")
	x := a.float(form{logits: g.Output, dtype: p.Type(g.Output)})
	return g.WithOutput(a.add("Sub", f32, a.guardedLog(x), a.guardedLog(a.add("Sub", f32, a.number(1), x))))
}

// IsLogOf says that a node is no more than the logarithm of a tensor, as WithLog makes it where it knows nothing of how that is made.
func (n *Node) IsLogOf(t Tensor) bool {
	if n.Op != "Log" || n.Inputs[0].Node.Op != "Maximum" {
		return false
	}
	of := n.Inputs[0].Node.Inputs[0]
	return of == t || of.Node.Op == "Cast" && of.Node.Inputs[0] == t
}

func (e *editor) guardedLog(x Tensor) Tensor {
	return e.add("Log", f32, e.add("Maximum", f32, x, e.number(smallest)))
}

// log is the logarithm of a tensor, float32, up to one summand for all of its elements.
func (a *headFinder) log(t Tensor, depth int) Tensor {
	n := t.Node
	f, ok := a.find(t, depth)
	if ok && f.classes == nil && f.kind == Softmax && slices.Equal(f.shape, a.prober.Shape(t)) {
		return a.logSoftmax(f)
	}
	if ok && f.classes == nil && f.kind == Sigmoid && slices.Equal(f.shape, a.prober.Shape(t)) {
		return a.add("Neg", f32, a.add("Softplus", f32, a.add("Neg", f32, a.float(f))))
	}
	if depth > 0 && t.Index == 0 {
		switch n.Op {
		case "Exp":
			return a.float(form{logits: n.Inputs[0], dtype: a.prober.Type(n.Inputs[0])})
		case "Cast":
			return a.log(n.Inputs[0], depth-1)
		case "Square":
			return a.add("Mul", f32, a.log(n.Inputs[0], depth-1), a.number(2))
		case "Pow":
			if power, constant := number(n.Inputs[1]); constant {
				return a.add("Mul", f32, a.log(n.Inputs[0], depth-1), a.number(power))
			}
		case "RealDiv", "Div", "Mul":
			if x, _, ok := a.normalised(n); ok {
				// The divisor is the same for all of a row.
				return a.log(x, depth-1)
			}
		}
	}
	return a.guardedLog(a.float(form{logits: t, dtype: a.prober.Type(t)}))
}
