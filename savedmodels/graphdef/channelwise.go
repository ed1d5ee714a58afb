package graphdef

import (
	"math"
	"slices"

	"upi/savedmodels/tensors"
)

// Weights are the values of a graph's variables and the shapes of its tensors.
type Weights interface {
	// Shape is a tensor's static shape, nil where a dimension is open.
	Shape(t Tensor) []int64
	// Floats are the values of a float32 variable in row-major order; known is false for other types.
	Floats(v *Variable) (values []float32, known bool)
	// Add keeps values of a shape as those of a new variable, and returns its position.
	Add(values []float32, shape []int64) (position int)
}

// mostCalculated bounds the elements of a tensor that a calculator works out.
const mostCalculated = 1 << 24

// A calculator works out float32 tensors that depend on weights alone, in float64.
type calculator struct {
	weights Weights
	shape   func(Tensor) []int64
	known   map[*Node][]float64 // nil: it cannot be told
}

// values of a tensor in row-major order; known is false for what depends on the image, or on ops that are not one of these.
func (c *calculator) values(t Tensor) (values []float64, known bool) {
	if t.Index != 0 {
		return nil, false
	}
	values, seen := c.known[t.Node]
	if !seen {
		c.known[t.Node] = nil
		values = c.calculate(t)
		c.known[t.Node] = values
	}
	return values, values != nil
}

func (c *calculator) calculate(t Tensor) []float64 {
	shape := c.shape(t)
	count, err := tensors.Within(shape, mostCalculated)
	if shape == nil || err != nil || count == 0 {
		return nil
	}
	n := t.Node
	if n.Variable != nil {
		values, known := c.weights.Floats(n.Variable)
		if !known || int64(len(values)) != count {
			return nil
		}
		return widen(values)
	}
	if n.Op == "Const" {
		values, ok := floats(n.Attr["value"].GetTensor())
		if !ok || n.DType() != f32 || len(values) == 0 || int64(len(values)) > count {
			return nil
		}
		last := values[len(values)-1] // stands for all that follow
		return widen(append(values, slices.Repeat([]float32{last}, int(count)-len(values))...))
	}
	if n.Attr["T"].GetType() != f32 || len(n.Inputs) == 0 {
		return nil
	}
	first, known := c.values(n.Inputs[0])
	if !known {
		return nil
	}
	var result []float64
	switch f, g := oneOperand[n.Op], twoOperands[n.Op]; {
	case slices.Contains(sameValues, n.Op):
		result = first
	case f != nil:
		result = each(first, f)
	case g != nil && len(n.Inputs) == 2:
		second, known := c.values(n.Inputs[1])
		if !known {
			return nil
		}
		result = both(first, second, g)
	}
	// Two operands may make more than both are by broadcasting.
	if int64(len(result)) != count {
		return nil
	}
	return result
}

// sameValues are the ops that change the shape of their first input alone.
var sameValues = []string{"Identity", "Reshape", "Squeeze", "ExpandDims"}

var oneOperand = map[string]func(float64) float64{
	"Rsqrt":      func(a float64) float64 { return 1 / math.Sqrt(a) },
	"Sqrt":       math.Sqrt,
	"Neg":        func(a float64) float64 { return -a },
	"Square":     func(a float64) float64 { return a * a },
	"Reciprocal": func(a float64) float64 { return 1 / a },
	"Inv":        func(a float64) float64 { return 1 / a },
}

func plus(a, b float64) float64  { return a + b }
func minus(a, b float64) float64 { return a - b }
func times(a, b float64) float64 { return a * b }
func ratio(a, b float64) float64 { return a / b }

var twoOperands = map[string]func(a, b float64) float64{
	"Add": plus, "AddV2": plus, "Sub": minus, "Mul": times, "Div": ratio, "RealDiv": ratio, "Maximum": math.Max, "Minimum": math.Min,
}

func each(a []float64, f func(float64) float64) []float64 {
	out := make([]float64, len(a))
	for i, v := range a {
		out[i] = f(v)
	}
	return out
}

// both combines vectors of one length, or one of them with a single number; nil for others.
func both(a, b []float64, f func(a, b float64) float64) []float64 {
	switch {
	case len(b) == 1:
		return each(a, func(v float64) float64 { return f(v, b[0]) })
	case len(a) == 1:
		return each(b, func(v float64) float64 { return f(a[0], v) })
	case len(a) != len(b):
		return nil
	}
	out := make([]float64, len(a))
	for i := range a {
		out[i] = f(a[i], b[i])
	}
	return out
}
