package ops

import (
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
)

// IsFloat reports whether t is one of the real floating-point types.
func IsFloat(t tf.DataType) bool {
	return t == tf.Float || t == tf.Double || t == tf.Half || t == tf.Bfloat16
}

// IsComplex reports whether t is a complex type.
func IsComplex(t tf.DataType) bool { return t == tf.Complex || t == tf.Complex64 || t == tf.Complex128 }

// Carries reports whether a derivative goes through tensors of a type. Complex ones lead from one real tensor to another, as in a
// convolution by Fourier transforms: a path that took no account of them would give a part of the derivative for the whole.
func Carries(t tf.DataType) bool { return IsFloat(t) || IsComplex(t) }

// Dims returns the static shape of t, -1 for an unknown size; nil if not even the rank is known.
func Dims(t tf.Output) []int64 {
	if t.Op == nil {
		return nil
	}
	d, err := t.Shape().ToSlice()
	if err != nil {
		return nil
	}
	return d
}

// Static reports whether every size of a shape is known.
func Static(d []int64) bool {
	return d != nil && !slices.ContainsFunc(d, func(n int64) bool { return n < 0 })
}

// Same reports whether two shapes are known to be equal.
func Same(a, b []int64) bool { return Static(a) && Static(b) && slices.Equal(a, b) }

// Integers is values as a vector of type t, int32 or int64.
func (s *Scope) Integers(values []int64, t tf.DataType) tf.Output {
	if t == tf.Int64 {
		return s.Constant(append([]int64{}, values...))
	}
	return s.Constant(Narrow(values))
}

// Narrow is values as int32.
func Narrow(values []int64) []int32 {
	n := make([]int32, len(values))
	for i, v := range values {
		n[i] = int32(v)
	}
	return n
}

// ShapeOf is the shape of x as an int32 vector, a constant where it is known.
func (s *Scope) ShapeOf(x tf.Output) tf.Output { return s.ShapeAs(x, tf.Int32) }

// ShapeAs is ShapeOf in the type t, int32 or int64.
func (s *Scope) ShapeAs(x tf.Output, t tf.DataType) tf.Output {
	if s.err != nil {
		return tf.Output{}
	}
	if d := Dims(x); Static(d) {
		return s.Integers(d, t)
	}
	return s.One("Shape", Attrs{"out_type": t}, x)
}

// Reshape gives x a shape; -1 stands for what is left.
func (s *Scope) Reshape(x tf.Output, shape ...int64) tf.Output {
	return s.One("Reshape", nil, x, s.Integers(shape, tf.Int32))
}

// ReshapeLike gives g the shape of x.
func (s *Scope) ReshapeLike(g, x tf.Output) tf.Output {
	if Same(Dims(g), Dims(x)) {
		return g
	}
	return s.One("Reshape", nil, g, s.ShapeOf(x))
}
