package savedmodels

import (
	"fmt"
	"slices"

	"upi/savedmodels/graphdef"

	tf "github.com/wamuir/graft/tensorflow"
)

// maxKnown is the number of elements up to which an inference evaluates a tensor: sizes, axes and conditions, not weights.
const maxKnown = 64

// inference is graphdef.Inference by TensorFlow's own shape functions: it imports the part of a graph that a question is about,
// for one batch size, into a graph that never runs.
type inference struct {
	graph *tf.Graph
	image tf.Output
	ops   map[*graphdef.Node]*tf.Operation
	lost  map[*graphdef.Node]bool // could not be imported
	count int
}

func (m *Model) newInference(batch int) (*inference, error) {
	g := tf.NewGraph()
	x, err := placeholder(g, "image", tf.Float, int64(batch), int64(m.shape[0]), int64(m.shape[1]), int64(m.shape[2]))
	if err != nil {
		return nil, err
	}
	image, err := m.preprocess(g, "inference", x)
	if err != nil {
		return nil, err
	}
	return &inference{graph: g, image: image, ops: map[*graphdef.Node]*tf.Operation{}, lost: map[*graphdef.Node]bool{}}, nil
}

// Shape is a tensor's static shape, nil where a dimension is open.
func (i *inference) Shape(t graphdef.Tensor) []int64 {
	out, ok := i.output(t)
	if !ok {
		return nil
	}
	return static(out)
}

func static(t tf.Output) []int64 {
	shape, err := t.Shape().ToSlice()
	if err != nil || slices.ContainsFunc(shape, func(d int64) bool { return d < 0 }) {
		return nil
	}
	if shape == nil {
		shape = []int64{}
	}
	return shape
}

// Ints evaluates a small tensor of booleans or integers that depends on constants and shapes alone. TensorFlow evaluates such a
// tensor where it is the shape of another, so one is made of that shape: a size of at least 0, hence two for the two signs.
func (i *inference) Ints(t graphdef.Tensor) (values []int64, known bool) {
	out, ok := i.output(t)
	if !ok || !slices.Contains([]tf.DataType{tf.Bool, tf.Int32, tf.Int64}, out.DataType()) {
		return nil, false
	}
	shape := static(out)
	if shape == nil {
		return nil, false
	}
	if n, err := graphdef.Elements(shape, maxKnown); err != nil || n == 0 {
		return []int64{}, err == nil
	}
	i.count++
	question := &question{graph: i.graph, prefix: fmt.Sprintf("question_%d", i.count)}
	v := question.add("Cast", map[string]any{"DstT": tf.Int64}, out)
	v = question.add("Reshape", nil, v, question.constant([]int32{-1}))
	above := question.sizes(v)
	below := question.sizes(question.add("Neg", nil, v))
	if question.err != nil || len(above) == 0 || len(above) != len(below) {
		return nil, false
	}
	values = make([]int64, len(above))
	for k := range values {
		values[k] = above[k] - below[k]
	}
	return values, true
}

// output imports what a tensor needs.
func (i *inference) output(t graphdef.Tensor) (tf.Output, bool) {
	if !i.add(t.Node) {
		return tf.Output{}, false
	}
	op := i.ops[t.Node]
	if t.Index >= op.NumOutputs() {
		return tf.Output{}, false
	}
	return op.Output(t.Index), true
}

func (i *inference) add(n *graphdef.Node) bool {
	if i.ops[n] != nil || i.lost[n] {
		return !i.lost[n]
	}
	part, ok := graphdef.Part(n, func(n *graphdef.Node) bool { return i.ops[n] != nil })
	if !ok {
		i.lost[n] = true
		return false
	}
	i.lost[n] = i.importPart(part) != nil
	return !i.lost[n]
}

// importPart adds nodes, producers first, to the graph.
func (i *inference) importPart(part []*graphdef.Node) error {
	prefix := fmt.Sprintf("part_%d", i.count)
	i.count++
	options := tf.GraphImportOptions{Prefix: prefix}
	var def []*graphdef.Node
	for _, n := range part {
		switch {
		case n.Variable != nil:
			attrs := map[string]any{"dtype": tf.DataType(n.Variable.DType)}
			if n.Variable.Shape != nil {
				attrs["shape"] = tf.MakeShape(n.Variable.Shape...)
			}
			op, err := i.graph.AddOperation(tf.OpSpec{Type: "Placeholder", Name: fmt.Sprintf("%s/weight_%d", prefix, len(i.ops)), Attrs: attrs})
			if err != nil {
				return err
			}
			i.ops[n] = op
		case n.Op == "Placeholder" || n.Op == "PlaceholderWithDefault":
			i.ops[n] = i.image.Op
		default:
			def = append(def, n)
		}
	}
	mapped := map[graphdef.Tensor]bool{}
	for _, n := range def {
		for _, in := range n.Inputs {
			if op := i.ops[in.Node]; op != nil && !mapped[in] {
				if in.Index >= op.NumOutputs() {
					return fmt.Errorf("op %q has no output %d", in.Node.Name, in.Index)
				}
				options.AddInputMapping(in.Node.Name, in.Index, op.Output(in.Index))
				mapped[in] = true
			}
		}
	}
	content, err := graphdef.Def(def)
	if err != nil {
		return err
	}
	if err := i.graph.ImportWithOptions(content, options); err != nil {
		return err
	}
	for _, n := range def {
		i.ops[n] = i.graph.Operation(prefix + "/" + n.Name)
	}
	return nil
}

// question adds a few ops until one fails.
type question struct {
	graph  *tf.Graph
	prefix string
	count  int
	err    error
}

func (q *question) add(kind string, attrs map[string]any, inputs ...tf.Output) tf.Output {
	if q.err != nil {
		return tf.Output{}
	}
	list := make([]tf.Input, len(inputs))
	for k, in := range inputs {
		list[k] = in
	}
	q.count++
	var op *tf.Operation
	op, q.err = q.graph.AddOperation(tf.OpSpec{Type: kind, Name: fmt.Sprintf("%s/%d", q.prefix, q.count), Input: list, Attrs: attrs})
	if q.err != nil {
		return tf.Output{}
	}
	return op.Output(0)
}

func (q *question) constant(value any) tf.Output {
	t, err := tf.NewTensor(value)
	if err != nil && q.err == nil {
		q.err = err
	}
	if q.err != nil {
		return tf.Output{}
	}
	return q.add("Const", map[string]any{"dtype": t.DataType(), "value": t})
}

// sizes is max(v, 0), nil where v depends on more than constants and shapes.
func (q *question) sizes(v tf.Output) []int64 {
	filled := q.add("Fill", nil, q.add("Maximum", nil, v, q.constant(int64(0))), q.constant(false))
	if q.err != nil {
		return nil
	}
	return static(filled)
}
