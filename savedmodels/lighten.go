package savedmodels

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"runtime"
	"slices"

	"upi/savedmodels/graphdef"
	"upi/savedmodels/tensors"

	tf "github.com/wamuir/graft/tensorflow"
)

// contents are what a network was saved with.
type contents struct {
	ops        map[string]int
	variables  int
	parameters int64
}

func (m *Model) contents() contents {
	c := contents{ops: m.graph.Histogram(), variables: len(m.graph.Variables)}
	for _, w := range m.weights {
		c.parameters += tensors.Elements(w.Shape())
	}
	return c
}

// lighten has the network do less work for the same scores, up to rounding: batch normalisation goes into the weights before it, and
// activations come after the max pooling that follows them.
func (m *Model) lighten() error {
	graph, err := m.graph.PoolFirst()
	if err != nil {
		return err
	}
	p, err := m.probe(graph, m.trialBatch())
	if err != nil {
		return err
	}
	w := &weights{probe: p, of: m}
	folded, count, err := graph.FoldNorms(w)
	if err != nil {
		return err
	}
	if w.err != nil {
		return w.err
	}
	m.graph = graph
	if count == 0 {
		return nil
	}
	m.graph = folded
	return m.keepWeights(w.added)
}

// keepWeights keeps those weights that the graph has variables for, some of which are among those added to the others.
func (m *Model) keepWeights(added []*tf.Tensor) error {
	all, types := slices.Concat(m.weights, added), slices.Clone(m.types)
	for range added {
		types = append(types, tf.Float)
	}
	old := len(m.weights)
	identity := sha256.New()
	fmt.Fprintln(identity, m.weightsID)
	m.weights, m.types = nil, nil
	for i, n := range m.graph.Variables {
		v := *n.Variable // which the graph as it was saved has too
		m.weights, m.types = append(m.weights, all[v.Position]), append(m.types, types[v.Position])
		fmt.Fprintln(identity, v.Position)
		if v.Position >= old {
			if _, err := all[v.Position].WriteContentsTo(identity); err != nil {
				return err
			}
		}
		v.Position, n.Variable = i, &v
	}
	m.weightsID = hex.EncodeToString(identity.Sum(nil)[:8])
	runtime.KeepAlive(all)
	return nil
}

// weights is graphdef.Weights of a model.
type weights struct {
	*probe
	of    *Model
	added []*tf.Tensor
	err   error // the first of Add
}

// Shape is a tensor's static shape.
func (w *weights) Shape(t graphdef.Tensor) []int64 { return w.shape(t) }

// Floats reads the values of a float32 variable.
func (w *weights) Floats(v *graphdef.Variable) ([]float32, bool) {
	if w.of.types[v.Position] != tf.Float {
		return nil, false
	}
	var content bytes.Buffer
	if _, err := w.of.weights[v.Position].WriteContentsTo(&content); err != nil {
		return nil, false
	}
	values := make([]float32, content.Len()/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(content.Bytes()[4*i:]))
	}
	return values, true
}

// Add keeps the values of a new variable.
func (w *weights) Add(values []float32, shape []int64) int {
	var content bytes.Buffer
	content.Grow(4 * len(values))
	for _, v := range values {
		content.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
	}
	t, err := tf.ReadTensor(tf.Float, slices.Clone(shape), &content)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.added = append(w.added, t)
	return len(w.of.weights) + len(w.added) - 1
}
