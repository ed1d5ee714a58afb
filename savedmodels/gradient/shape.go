package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"
)

// dims returns the static shape of t, -1 for an unknown size; nil if not even the
// rank is known.
func dims(t tf.Output) []int64 {
	if t.Op == nil {
		return nil
	}
	d, err := t.Shape().ToSlice()
	if err != nil {
		return nil
	}
	return d
}

func static(d []int64) bool {
	if d == nil {
		return false
	}
	for _, n := range d {
		if n < 0 {
			return false
		}
	}
	return true
}

// integers is values in the type t, int32 or int64.
func (s *scope) integers(values []int64, t tf.DataType) tf.Output {
	if t == tf.Int64 {
		return s.constant(append([]int64{}, values...))
	}
	return s.constant(narrow(values))
}

func narrow(values []int64) []int32 {
	n := make([]int32, len(values))
	for i, v := range values {
		n[i] = int32(v)
	}
	return n
}

// shapeOf is the shape of x as an int32 vector, a constant where it is known.
func (s *scope) shapeOf(x tf.Output) tf.Output { return s.shapeAs(x, tf.Int32) }

func (s *scope) shapeAs(x tf.Output, t tf.DataType) tf.Output {
	if s.err != nil {
		return tf.Output{}
	}
	if d := dims(x); static(d) {
		return s.integers(d, t)
	}
	return s.one("Shape", attrs{"out_type": t}, x)
}

// reshapeLike gives g the shape of x.
func (s *scope) reshapeLike(g, x tf.Output) tf.Output {
	if same(dims(g), dims(x)) {
		return g
	}
	return s.one("Reshape", nil, g, s.shapeOf(x))
}

func same(a, b []int64) bool {
	if len(a) != len(b) || !static(a) || !static(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// constantOf returns the value of a constant of the graph.
func constantOf(t tf.Output) (*tf.Tensor, bool) {
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

// known reads an integer tensor if it is a constant of the graph: all its
// elements in row-major order.
func known(t tf.Output) ([]int64, bool) {
	value, ok := constantOf(t)
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

// axes reads reduction axes as numbers in 0..rank-1.
func axes(t tf.Output, rank int) ([]int64, bool) {
	a, ok := known(t)
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
