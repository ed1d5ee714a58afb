package savedmodels

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"
)

// adder adds ops to a graph until one fails.
type adder struct {
	g      *tf.Graph
	prefix string
	count  int
	err    error
}

func (a *adder) add(spec tf.OpSpec) tf.Output {
	if a.err != nil {
		return tf.Output{}
	}
	spec.Name = fmt.Sprintf("%s/%s_%d", a.prefix, spec.Type, a.count)
	a.count++
	op, err := a.g.AddOperation(spec)
	if err != nil {
		a.err = err
		return tf.Output{}
	}
	return op.Output(0)
}

func (a *adder) op(kind string, inputs ...tf.Output) tf.Output {
	list := make([]tf.Input, len(inputs))
	for i, in := range inputs {
		list[i] = in
	}
	return a.add(tf.OpSpec{Type: kind, Input: list})
}

func (a *adder) constant(value any) tf.Output {
	t, err := tf.NewTensor(value)
	if err != nil {
		a.err = err
		return tf.Output{}
	}
	return a.add(tf.OpSpec{Type: "Const", Attrs: map[string]any{"dtype": t.DataType(), "value": t}})
}

func (a *adder) cast(x tf.Output, to tf.DataType) tf.Output {
	if a.err != nil || x.DataType() == to {
		return x
	}
	return a.add(tf.OpSpec{Type: "Cast", Input: []tf.Input{x}, Attrs: map[string]any{"DstT": to}})
}
