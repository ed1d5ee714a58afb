package ops

import tf "github.com/wamuir/graft/tensorflow"

// ConstantOf returns the value of a constant of the graph.
func ConstantOf(t tf.Output) (*tf.Tensor, bool) {
	for t.Op.Type() == "Identity" {
		t = tf.Consumer{Op: t.Op}.Producer()
	}
	if t.Op.Type() != "Const" {
		return nil, false
	}
	v, err := t.Op.Attr("value")
	if err != nil {
		return nil, false
	}
	value, ok := v.(*tf.Tensor)
	return value, ok
}

// Known reads an integer tensor if it is a constant of the graph: all its elements in row-major order.
func Known(t tf.Output) ([]int64, bool) {
	value, ok := ConstantOf(t)
	if !ok {
		return nil, false
	}
	for _, d := range value.Shape() {
		if d == 0 {
			return []int64{}, true
		}
	}
	return flatten(value.Value())
}

func flatten(value any) ([]int64, bool) {
	switch v := value.(type) {
	case int32:
		return []int64{int64(v)}, true
	case int64:
		return []int64{v}, true
	case []int32:
		return join(v)
	case [][]int32:
		return join(v)
	case []int64:
		return v, true
	case [][]int64:
		return join(v)
	}
	return nil, false
}

func join[T any](parts []T) ([]int64, bool) {
	out := make([]int64, 0, len(parts))
	for _, p := range parts {
		v, ok := flatten(p)
		if !ok {
			return nil, false
		}
		out = append(out, v...)
	}
	return out, true
}

// Axes reads axes that are a constant of the graph, as numbers in 0..rank-1.
func Axes(t tf.Output, rank int) ([]int64, bool) {
	a, ok := Known(t)
	if !ok {
		return nil, false
	}
	out := make([]int64, len(a))
	for i, v := range a {
		if v < 0 {
			v += int64(rank)
		}
		if v < 0 || v >= int64(rank) {
			return nil, false
		}
		out[i] = v
	}
	return out, true
}
