package savedmodels

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"
)

// preprocess turns pixels into what the network takes: Scale*pixels + Offset, in its layout and type.
func (m *Model) preprocess(g *tf.Graph, name string, x tf.Output) (tf.Output, error) {
	a := adder{g: g, prefix: name + "/input"}
	if m.options.Scale != 1 {
		x = a.op("Mul", x, a.constant(float32(m.options.Scale)))
	}
	if m.options.Offset != 0 {
		x = a.op("AddV2", x, a.constant(float32(m.options.Offset)))
	}
	if m.options.Layout == NCHW {
		x = a.op("Transpose", x, a.constant([]int32{0, 3, 1, 2}))
	}
	return x, a.err
}

// finish brings the network's output to float32 [B,K].
func (m *Model) finish(g *tf.Graph, name string, out tf.Output) (tf.Output, error) {
	return out, nil
}

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
