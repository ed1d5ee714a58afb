package savedmodels

import (
	"upi/savedmodels/graphdef"
	"upi/savedmodels/ops"
	"upi/savedmodels/xla"
)

// trialBatch is a number of images that no other size of a network is a multiple of, to tell the sizes that follow from the
// batch.
const trialBatch = 1009

// lower writes the network's operations of XLA as TensorFlow's.
func (m *Model) lower(saved *graphdef.SavedModel) error {
	batch := trialBatch
	if m.unit > 0 {
		batch = m.unit
	}
	inferred, err := m.newInference(batch)
	if err != nil {
		return err
	}
	m.graph, err = xla.Lower(saved, m.graph, &lowering{inferred, int64(batch), m.unit == 0})
	return err
}

// lowering is xla.Inference.
type lowering struct {
	*inference
	batch int64
	open  bool
}

func (l *lowering) Batch() int64 {
	if l.open {
		return l.batch
	}
	return 0
}

// Shape is the shape of a tensor, -1 for an unknown size.
func (l *lowering) Shape(t graphdef.Tensor) []int64 {
	out, ok := l.output(t)
	if !ok {
		return nil
	}
	return ops.Dims(out)
}
