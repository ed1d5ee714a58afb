// Package ops adds operations to TensorFlow graphs: the one way in which the networks, their gradients and the explanations are
// written down.
package ops

import (
	"fmt"
	"math"

	tf "github.com/wamuir/graft/tensorflow"
)

// Scope adds operations to a graph under names of their own. The first error stays and makes all later calls do nothing, so that
// a calculation reads as a formula; Err has it at the end.
type Scope struct {
	graph  *tf.Graph
	prefix string
	names  map[string]int
	consts map[string]tf.Output
	err    error
}

// Attrs are attributes of an operation, as tf.OpSpec takes them.
type Attrs map[string]any

// NewScope returns a scope whose operations in g are called PREFIX/KIND, PREFIX/KIND_1 and so on. The prefix need not be new
// in g.
func NewScope(g *tf.Graph, prefix string) *Scope {
	return &Scope{graph: g, prefix: prefix, names: make(map[string]int), consts: make(map[string]tf.Output)}
}

// Graph is the graph that the scope adds to.
func (s *Scope) Graph() *tf.Graph { return s.graph }

// Err is the first error of all calls.
func (s *Scope) Err() error { return s.err }

// Fail makes err the scope's error, unless there is one already.
func (s *Scope) Fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// Op adds an operation; nil after an error.
func (s *Scope) Op(kind string, a Attrs, in ...tf.Input) *tf.Operation {
	if s.err != nil {
		return nil
	}
	return s.add(s.name(kind), kind, a, in)
}

func (s *Scope) add(name, kind string, a Attrs, in []tf.Input) *tf.Operation {
	for _, i := range in {
		if o, ok := i.(tf.Output); ok && o.Op == nil {
			s.Fail(fmt.Errorf("add %s: an input is missing", kind))
			return nil
		}
	}
	op, err := s.graph.AddOperation(tf.OpSpec{Type: kind, Name: name, Input: in, Attrs: a})
	if err != nil {
		s.Fail(fmt.Errorf("add %s: %w", kind, err))
		return nil
	}
	return op
}

// One adds an operation and returns its first output; the zero Output after an error.
func (s *Scope) One(kind string, a Attrs, in ...tf.Input) tf.Output {
	return first(s.Op(kind, a, in...))
}

// Named is One under a name of the caller's, which is new in the graph and gets no prefix, for an operation that is to be found
// again.
func (s *Scope) Named(name, kind string, a Attrs, in ...tf.Input) tf.Output {
	if s.err != nil {
		return tf.Output{}
	}
	return first(s.add(name, kind, a, in))
}

func first(op *tf.Operation) tf.Output {
	if op == nil {
		return tf.Output{}
	}
	return op.Output(0)
}

// Many adds an operation and returns its first n outputs, zero Outputs after an error.
func (s *Scope) Many(n int, kind string, a Attrs, in ...tf.Input) []tf.Output {
	outputs := make([]tf.Output, n)
	if op := s.Op(kind, a, in...); op != nil {
		for i := range outputs {
			outputs[i] = op.Output(i)
		}
	}
	return outputs
}

func (s *Scope) name(kind string) string {
	for {
		name := s.prefix + "/" + kind
		if n := s.names[kind]; n > 0 {
			name = fmt.Sprintf("%s_%d", name, n)
		}
		s.names[kind]++
		if s.graph.Operation(name) == nil {
			return name
		}
	}
}

// AttrsOf reads attributes of an operation, to be given to another.
func (s *Scope) AttrsOf(op *tf.Operation, names ...string) Attrs {
	a := make(Attrs, len(names))
	for _, name := range names {
		v, err := op.Attr(name)
		if err != nil {
			s.Fail(fmt.Errorf("read attribute %s: %w", name, err))
			continue
		}
		a[name] = v
	}
	return a
}

// Placeholder adds a tensor that is fed, of the given type and shape; -1 is an open size.
func (s *Scope) Placeholder(t tf.DataType, shape ...int64) tf.Output {
	return s.One("Placeholder", Attrs{"dtype": t, "shape": tf.MakeShape(shape...)})
}

// Constant adds a constant once per scope; value is what tf.NewTensor takes.
func (s *Scope) Constant(value any) tf.Output {
	key := fmt.Sprintf("%T%v", value, value)
	if c, ok := s.consts[key]; ok {
		return c
	}
	t, err := tf.NewTensor(value)
	if err != nil {
		s.Fail(fmt.Errorf("make constant %v: %w", value, err))
		return tf.Output{}
	}
	c := s.One("Const", Attrs{"value": t, "dtype": t.DataType()})
	s.consts[key] = c
	return c
}

// Scalar is v in the type of like.
func (s *Scope) Scalar(v float64, like tf.Output) tf.Output {
	switch {
	case s.err != nil:
		return tf.Output{}
	case like.DataType() == tf.Double:
		return s.Constant(v)
	case like.DataType() == tf.Float:
		return s.Constant(float32(v))
	}
	key := fmt.Sprintf("%d %x", like.DataType(), math.Float64bits(v))
	if c, ok := s.consts[key]; ok {
		return c
	}
	c := s.Cast(s.Constant(v), like.DataType())
	s.consts[key] = c
	return c
}

// Fill is a tensor of v in the shape and type of like.
func (s *Scope) Fill(like tf.Output, v float64) tf.Output {
	if s.err != nil {
		return tf.Output{}
	}
	if d := Dims(like); d != nil && len(d) == 0 {
		return s.Scalar(v, like)
	}
	return s.One("Fill", nil, s.ShapeOf(like), s.Scalar(v, like))
}

// Cast is x in the type to: x itself if it is of that type already.
func (s *Scope) Cast(x tf.Output, to tf.DataType) tf.Output {
	if s.err != nil || x.DataType() == to {
		return x
	}
	return s.One("Cast", Attrs{"DstT": to}, x)
}

// Add is a + b, with the broadcasting that all four operations have.
func (s *Scope) Add(a, b tf.Output) tf.Output { return s.One("AddV2", nil, a, b) }

// Sub is a - b.
func (s *Scope) Sub(a, b tf.Output) tf.Output { return s.One("Sub", nil, a, b) }

// Mul is a * b.
func (s *Scope) Mul(a, b tf.Output) tf.Output { return s.One("Mul", nil, a, b) }

// Div is a / b.
func (s *Scope) Div(a, b tf.Output) tf.Output { return s.One("RealDiv", nil, a, b) }

// Neg is -a.
func (s *Scope) Neg(a tf.Output) tf.Output { return s.One("Neg", nil, a) }

// Scale is k * a.
func (s *Scope) Scale(k float64, a tf.Output) tf.Output { return s.Mul(a, s.Scalar(k, a)) }
