package savedmodels

import (
	"fmt"
	"slices"

	"upi/savedmodels/graphdef"
	"upi/savedmodels/ops"
	"upi/savedmodels/xla"

	tf "github.com/wamuir/graft/tensorflow"
)

// trialBatch is a number of images that no other size of a network is a multiple of, to tell the sizes that follow from the
// batch.
const trialBatch = 1009

// lower writes the network's operations of XLA as TensorFlow's.
func (m *Model) lower(saved *graphdef.SavedModel) error {
	batch := int64(trialBatch)
	if m.batch > 0 {
		batch = int64(m.batch)
	}
	in := &lowering{
		scope: ops.NewScope(tf.NewGraph(), "inference"), ops: map[*graphdef.Node]*tf.Operation{}, open: m.batch < 0, batch: batch,
	}
	in.ops[m.graph.Input] = in.scope.Op("Placeholder", ops.Attrs{
		"dtype": m.inputType, "shape": tf.MakeShape(m.inputShape(batch)...),
	})
	if err := in.scope.Err(); err != nil {
		return err
	}
	var err error
	m.graph, err = xla.Lower(saved, m.graph, in)
	return err
}

// lowering is a graph into which nodes are imported as they are asked for, for TensorFlow to infer their shapes. Nothing of it
// runs.
type lowering struct {
	scope *ops.Scope
	ops   map[*graphdef.Node]*tf.Operation
	open  bool
	batch int64
}

// Batch implements xla.Inference.
func (in *lowering) Batch() int64 {
	if in.open {
		return in.batch
	}
	return 0
}

// Shape implements xla.Inference.
func (in *lowering) Shape(t graphdef.Tensor) []int64 {
	out, err := in.output(t)
	if err != nil {
		return nil
	}
	return ops.Dims(out)
}

// Ints implements xla.Inference. TensorFlow evaluates what a shape is made of while it infers it: each value, moved to where
// none is negative, becomes one.
func (in *lowering) Ints(t graphdef.Tensor) ([]int64, bool) {
	if ints, known := t.Ints(); known {
		return ints, true
	}
	out, err := in.output(t)
	shape := ops.Dims(out)
	if err != nil || !ops.Static(shape) || out.DataType() != tf.Int32 && out.DataType() != tf.Int64 {
		return nil, false
	}
	count := int64(1)
	for _, d := range shape {
		count *= d
	}
	if count > 64 {
		return nil, false
	}
	const moved = 1 << 20
	s := in.scope
	flat := s.Cast(s.Reshape(out, -1), tf.Int32)
	values := make([]int64, count)
	for i := range values {
		one := s.One("Slice", nil, flat, s.Constant([]int32{int32(i)}), s.Constant([]int32{1}))
		row := s.One("Fill", nil, s.Add(one, s.Constant(int32(moved))), s.Constant(false))
		d := ops.Dims(row)
		if s.Err() != nil || !ops.Static(d) {
			return nil, false
		}
		values[i] = d[0] - moved
	}
	return values, true
}

// output imports what a tensor needs.
func (in *lowering) output(t graphdef.Tensor) (tf.Output, error) {
	if err := in.add(t.Node); err != nil {
		return tf.Output{}, err
	}
	op := in.ops[t.Node]
	if t.Index >= op.NumOutputs() {
		return tf.Output{}, fmt.Errorf("%s does not exist", t.Name())
	}
	return op.Output(t.Index), nil
}

func (in *lowering) add(n *graphdef.Node) error {
	if in.ops[n] != nil {
		return nil
	}
	var missing []*graphdef.Node
	options := tf.GraphImportOptions{Prefix: "network"}
	seen := map[*graphdef.Node]bool{}
	stack := []*graphdef.Node{n}
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[at] {
			continue
		}
		seen[at] = true
		if v := at.Variable; v != nil && in.ops[at] == nil {
			shape := tf.Shape{} // of any rank
			if v.Shape != nil {
				shape = tf.MakeShape(v.Shape...)
			}
			in.ops[at] = in.scope.Op("Placeholder", ops.Attrs{"dtype": tf.DataType(v.DType), "shape": shape})
		}
		if in.scope.Err() != nil {
			return in.scope.Err()
		}
		if op := in.ops[at]; op != nil {
			for k := range op.NumOutputs() {
				options.AddInputMapping(at.Name, k, op.Output(k))
			}
			continue
		}
		missing = append(missing, at)
		for _, input := range at.Inputs {
			stack = append(stack, input.Node)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Reverse(missing)
	def, err := graphdef.Def(missing)
	if err != nil {
		return err
	}
	if err := in.scope.Graph().ImportWithOptions(def, options); err != nil {
		return fmt.Errorf("infer the shape of %s: %w", n.Name, err)
	}
	for _, m := range missing {
		if in.ops[m] = in.scope.Graph().Operation("network/" + m.Name); in.ops[m] == nil {
			return fmt.Errorf("op %q was not imported", m.Name)
		}
	}
	return nil
}
