package graphdef

import (
	"math"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// maxFoldElements bounds what is folded here: conditions and counters, not weights.
const maxFoldElements = 16

// foldBinary are the ops of two operands that conditions and loop counters are made of.
var foldBinary = map[string]func(a, b float64) float64{
	"Add": add, "AddV2": add,
	"Sub":          func(a, b float64) float64 { return a - b },
	"Mul":          func(a, b float64) float64 { return a * b },
	"Maximum":      math.Max,
	"Minimum":      math.Min,
	"FloorDiv":     func(a, b float64) float64 { return math.Floor(a / b) },
	"FloorMod":     func(a, b float64) float64 { return a - b*math.Floor(a/b) },
	"Less":         func(a, b float64) float64 { return truth(a < b) },
	"LessEqual":    func(a, b float64) float64 { return truth(a <= b) },
	"Greater":      func(a, b float64) float64 { return truth(a > b) },
	"GreaterEqual": func(a, b float64) float64 { return truth(a >= b) },
	"Equal":        func(a, b float64) float64 { return truth(a == b) },
	"NotEqual":     func(a, b float64) float64 { return truth(a != b) },
	"LogicalAnd":   func(a, b float64) float64 { return truth(a != 0 && b != 0) },
	"LogicalOr":    func(a, b float64) float64 { return truth(a != 0 || b != 0) },
}

func add(a, b float64) float64 { return a + b }

var foldUnary = map[string]func(a float64) float64{
	"LogicalNot": func(a float64) float64 { return truth(a == 0) },
	"Neg":        func(a float64) float64 { return -a },
	"Abs":        math.Abs,
	"Squeeze":    same, "Reshape": same, "ExpandDims": same, "StopGradient": same,
}

func same(a float64) float64 { return a }

// reductions over all elements of what is known to be at most one element long are that element.
var foldReduction = map[string]bool{"All": true, "Any": true, "Prod": true, "Sum": true, "Max": true, "Min": true}

// fold evaluates a small tensor, first by constants, then by asking the inference. It gives up, rather than err, on everything
// else.
func (f *folder) fold(t Tensor) ([]float64, bool) {
	return f.foldDeep(t, 256)
}

func (f *folder) foldDeep(t Tensor, depth int) ([]float64, bool) {
	n := t.Node
	if t.Index != 0 {
		return f.ask(t)
	}
	if n.Op == "Const" {
		return values(n.Attr["value"].GetTensor())
	}
	if v, known := f.values[n]; known {
		return v, v != nil
	}
	v, known := f.foldOp(n, depth)
	if !known {
		v = nil
	}
	f.values[n] = v
	return v, v != nil
}

func (f *folder) foldOp(n *Node, depth int) ([]float64, bool) {
	binary, unary := foldBinary[n.Op], foldUnary[n.Op]
	if depth == 0 || binary == nil && unary == nil && !foldReduction[n.Op] && n.Op != "Cast" || len(n.Inputs) == 0 {
		return f.ask(Tensor{n, 0})
	}
	// The inference may know what is made of an operand that it does not tell, such as a fraction.
	a, known := f.foldDeep(n.Inputs[0], depth-1)
	if !known {
		return f.ask(Tensor{n, 0})
	}
	switch {
	case unary != nil:
		out := make([]float64, len(a))
		for i, v := range a {
			out[i] = unary(v)
		}
		return out, true
	case n.Op == "Cast":
		return cast(a, n.Attr["DstT"].GetType())
	case foldReduction[n.Op]:
		if len(a) == 1 {
			return a, true
		}
		return f.ask(Tensor{n, 0})
	}
	if len(n.Inputs) != 2 {
		return nil, false
	}
	b, known := f.foldDeep(n.Inputs[1], depth-1)
	if !known || len(a) != 1 || len(b) != 1 {
		return f.ask(Tensor{n, 0})
	}
	v := binary(a[0], b[0])
	// Beyond 2^53 a float64 no longer counts by ones.
	return []float64{v}, math.Abs(v) < 1<<53
}

func cast(a []float64, to types_go_proto.DataType) ([]float64, bool) {
	out := make([]float64, len(a))
	for i, v := range a {
		switch to {
		case types_go_proto.DataType_DT_BOOL:
			v = truth(v != 0)
		case types_go_proto.DataType_DT_INT32, types_go_proto.DataType_DT_INT64:
			v = math.Trunc(v)
		case types_go_proto.DataType_DT_FLOAT, types_go_proto.DataType_DT_DOUBLE:
		default:
			return nil, false
		}
		out[i] = v
	}
	return out, true
}
