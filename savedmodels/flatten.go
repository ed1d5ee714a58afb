package savedmodels

import (
	"fmt"
	"slices"
	"strings"

	"upi/savedmodels/graphdef"
)

// flatten finds the network's flat graph. Where the batch is open, the graph is made for a few sizes: one that a loop or a
// condition makes different for each (tf.map_fn over the images) becomes that of one image, of which Build puts several calls
// side by side, as it does where the signature fixes the batch.
func (m *Model) flatten(saved *graphdef.SavedModel, signature graphdef.Signature, input, output graphdef.Argument) error {
	flatten := func(batch int) (*graphdef.Graph, *inference, error) {
		inferred, err := m.newInference(batch)
		if err != nil {
			return nil, nil, fmt.Errorf("open %s: %w", m.dir, err)
		}
		g, err := saved.Flatten(signature, input, output, inferred)
		return g, inferred, err
	}
	if m.batch > 0 {
		// What holds for one image at a time holds for any number of them.
		if m.unit = m.batch; m.unit == 1 {
			m.batch = -1
		}
		var err error
		m.graph, _, err = flatten(m.unit)
		return err
	}
	sizes := m.trialSizes()
	g, inferred, err := flatten(sizes[0])
	if err != nil {
		return err
	}
	m.graph = g
	if !g.Decided {
		return nil
	}
	other, otherInferred, err := flatten(sizes[1])
	if err != nil {
		return err
	}
	alike := graphdef.Alike(g, other)
	for _, batch := range []int{1, 64} {
		if alike {
			third, _, err := flatten(batch)
			alike = err == nil && graphdef.Alike(g, third)
		}
	}
	if alike {
		return nil
	}
	if err := mixes(g, sizes[0], inferred.Shape, func() (*graphdef.Graph, int, func(graphdef.Tensor) []int64, error) {
		return other, sizes[1], otherInferred.Shape, nil
	}); err != nil {
		return fmt.Errorf("open %s: %w", m.dir, err)
	}
	m.unit = 1
	m.graph, _, err = flatten(1)
	return err
}

// trialSizes are two batch sizes that no side of an image has. A number of things that the network itself fixes, such as the
// members of an ensemble, cannot be both.
func (m *Model) trialSizes() [2]int {
	var sizes [2]int
	next := 3
	for i := range sizes {
		for slices.Contains(m.shape[:], next) {
			next += 2
		}
		sizes[i] = next
		next += 2
	}
	return sizes
}

// mixes refuses a network in which an image's scores depend on the other images, such as one saved with its batch normalisation
// in training mode. It looks for reductions over the first dimension where that has the size of the batch, for the batch of g and
// for that of another graph of the same network, which is only asked for where there is one.
func mixes(g *graphdef.Graph, batch int, shape func(graphdef.Tensor) []int64,
	other func() (*graphdef.Graph, int, func(graphdef.Tensor) []int64, error),
) error {
	found := reductionsOver(g, batch, shape)
	if len(found) == 0 {
		return nil
	}
	g, batch, shape, err := other()
	if err != nil {
		return err
	}
	for _, n := range reductionsOver(g, batch, shape) {
		if slices.ContainsFunc(found, func(same *graphdef.Node) bool { return same.Name == n.Name }) {
			return fmt.Errorf("op %s (node %q) mixes the images of a batch; save the model for inference (training=False), "+
				"or with a fixed batch size", n.Op, n.Name)
		}
	}
	return nil
}

func reductionsOver(g *graphdef.Graph, batch int, shape func(graphdef.Tensor) []int64) []*graphdef.Node {
	reached := map[*graphdef.Node]bool{g.Input: true}
	var found []*graphdef.Node
	for _, n := range g.Nodes {
		if n.Op == "Shape" || n.Op == "Size" || n.Op == "Rank" {
			continue // the values are no longer behind it
		}
		reached[n] = reached[n] || slices.ContainsFunc(n.Inputs, func(t graphdef.Tensor) bool { return reached[t.Node] })
		if !reached[n] || len(n.Inputs) < 2 {
			continue
		}
		if trainingNorm(n) {
			if dims := shape(n.Inputs[0]); len(dims) > 0 && dims[0] == int64(batch) {
				found = append(found, n)
			}
		}
		if !slices.Contains(reductions, n.Op) {
			continue
		}
		dims := shape(n.Inputs[0])
		axes, known := n.Inputs[1].Ints()
		if known && len(dims) > 0 && dims[0] == int64(batch) && (slices.Contains(axes, 0) || slices.Contains(axes, -int64(len(dims)))) {
			found = append(found, n)
		}
	}
	return found
}

// trainingNorm says whether a node is a batch normalisation with the statistics of its input.
func trainingNorm(n *graphdef.Node) bool {
	return strings.HasPrefix(n.Op, "FusedBatchNorm") && (n.Attr["is_training"] == nil || n.Attr["is_training"].GetB())
}

var reductions = []string{"Mean", "Sum", "Max", "Min", "Prod", "EuclideanNorm"}

// types are those of a probe's graph.
type types struct{ *probe }

func (t types) Shape(x graphdef.Tensor) []int64 { return t.shape(x) }

func (t types) DType(x graphdef.Tensor) (none graphdef.DType) {
	op := t.ops[x.Node]
	if x.Index >= op.NumOutputs() {
		return none
	}
	return graphdef.DType(op.Output(x.Index).DataType())
}

// calls is the flat graph of the signature's batch for a number of batches at once.
func (m *Model) calls(flat *graphdef.Graph, count int) (*graphdef.Graph, error) {
	p, err := m.probe(flat, m.unit)
	if err != nil {
		return nil, err
	}
	return flat.Calls(count, m.arrangement.single, types{p})
}
