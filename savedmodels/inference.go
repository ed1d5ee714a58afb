package savedmodels

import (
	"fmt"
	"slices"

	"upi/savedmodels/graphdef"
	"upi/savedmodels/ops"
	"upi/savedmodels/tensors"

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
	x, err := m.images(g, batch)
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
	if d := ops.Dims(t); ops.Static(d) {
		return d
	}
	return nil
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
	if n, err := tensors.Within(shape, maxKnown); err != nil || n == 0 {
		return []int64{}, err == nil
	}
	i.count++
	s := ops.NewScope(i.graph, fmt.Sprintf("question_%d", i.count))
	v := s.Reshape(s.Cast(out, tf.Int64), -1)
	above, below := sizes(s, v), sizes(s, s.Neg(v))
	if s.Err() != nil || len(above) == 0 || len(above) != len(below) {
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
	weights := ops.NewScope(i.graph, prefix+"_weights")
	var def []*graphdef.Node
	for _, n := range part {
		switch {
		case n.Variable != nil:
			attrs := ops.Attrs{"dtype": tf.DataType(n.Variable.DType)}
			if n.Variable.Shape != nil {
				attrs["shape"] = tf.MakeShape(n.Variable.Shape...)
			}
			i.ops[n] = weights.Op("Placeholder", attrs)
		case n.Op == "Placeholder" || n.Op == "PlaceholderWithDefault":
			i.ops[n] = i.image.Op
		default:
			def = append(def, n)
		}
	}
	if err := weights.Err(); err != nil {
		return err
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

// sizes is max(v, 0), nil where v depends on more than constants and shapes.
func sizes(s *ops.Scope, v tf.Output) []int64 {
	filled := s.One("Fill", nil, s.One("Maximum", nil, v, s.Constant(int64(0))), s.Constant(false))
	if s.Err() != nil {
		return nil
	}
	return static(filled)
}
