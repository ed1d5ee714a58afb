package gradient

import (
	"fmt"
	"math"

	tf "github.com/wamuir/graft/tensorflow"
)

// scope adds operations to a graph under names of their own. The first error
// stays and makes all later calls do nothing, so that a rule reads as a formula.
type scope struct {
	graph  *tf.Graph
	prefix string
	names  map[string]int
	consts map[string]tf.Output
	at     *node // whose gradient is being written
	err    error
}

func newScope(g *tf.Graph, prefix string) *scope {
	return &scope{graph: g, prefix: prefix, names: make(map[string]int), consts: make(map[string]tf.Output)}
}

func (s *scope) fail(err error) {
	if s.err != nil || err == nil {
		return
	}
	if s.at != nil {
		err = fmt.Errorf("differentiate %s (%s): %w", s.at.op.Name(), s.at.kind, err)
	}
	s.err = err
}

type attrs map[string]any

// op adds an operation; nil after an error.
func (s *scope) op(kind string, a attrs, in ...tf.Input) *tf.Operation {
	if s.err != nil {
		return nil
	}
	for _, i := range in {
		if o, ok := i.(tf.Output); ok && o.Op == nil {
			s.fail(fmt.Errorf("add %s: an input is missing", kind))
			return nil
		}
	}
	op, err := s.graph.AddOperation(tf.OpSpec{Type: kind, Name: s.name(kind), Input: in, Attrs: a})
	if err != nil {
		s.fail(fmt.Errorf("add %s: %w", kind, err))
		return nil
	}
	return op
}

// one adds an operation and returns its first output.
func (s *scope) one(kind string, a attrs, in ...tf.Input) tf.Output {
	op := s.op(kind, a, in...)
	if op == nil {
		return tf.Output{}
	}
	return op.Output(0)
}

func (s *scope) name(kind string) string {
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

// attrs reads attributes of an operation, to be given to another.
func (s *scope) attrs(op *tf.Operation, names ...string) attrs {
	a := make(attrs, len(names))
	for _, name := range names {
		v, err := op.Attr(name)
		if err != nil {
			s.fail(fmt.Errorf("read attribute %s: %w", name, err))
			continue
		}
		a[name] = v
	}
	return a
}

// constant adds a constant once per scope; value is what tf.NewTensor takes.
func (s *scope) constant(value any) tf.Output {
	key := fmt.Sprintf("%T%v", value, value)
	if c, ok := s.consts[key]; ok {
		return c
	}
	t, err := tf.NewTensor(value)
	if err != nil {
		s.fail(fmt.Errorf("make constant %v: %w", value, err))
		return tf.Output{}
	}
	c := s.one("Const", attrs{"value": t, "dtype": t.DataType()})
	s.consts[key] = c
	return c
}

// scalar is v in the type of like.
func (s *scope) scalar(v float64, like tf.Output) tf.Output {
	switch {
	case s.err != nil:
		return tf.Output{}
	case like.DataType() == tf.Double:
		return s.constant(v)
	case like.DataType() == tf.Float:
		return s.constant(float32(v))
	}
	key := fmt.Sprintf("%d %x", like.DataType(), math.Float64bits(v))
	if c, ok := s.consts[key]; ok {
		return c
	}
	c := s.cast(s.constant(float32(v)), like.DataType())
	s.consts[key] = c
	return c
}

// fill is a tensor of v in the shape and type of like.
func (s *scope) fill(like tf.Output, v float64) tf.Output {
	if s.err != nil {
		return tf.Output{}
	}
	if d := dims(like); d != nil && len(d) == 0 {
		return s.scalar(v, like)
	}
	return s.one("Fill", nil, s.shapeOf(like), s.scalar(v, like))
}

func (s *scope) cast(x tf.Output, to tf.DataType) tf.Output {
	if s.err != nil || x.DataType() == to {
		return x
	}
	return s.one("Cast", attrs{"DstT": to}, x)
}

func (s *scope) add(a, b tf.Output) tf.Output { return s.one("AddV2", nil, a, b) }
func (s *scope) sub(a, b tf.Output) tf.Output { return s.one("Sub", nil, a, b) }
func (s *scope) mul(a, b tf.Output) tf.Output { return s.one("Mul", nil, a, b) }
func (s *scope) div(a, b tf.Output) tf.Output { return s.one("RealDiv", nil, a, b) }
func (s *scope) neg(a tf.Output) tf.Output    { return s.one("Neg", nil, a) }

// scale is k * a.
func (s *scope) scale(k float64, a tf.Output) tf.Output { return s.mul(a, s.scalar(k, a)) }
