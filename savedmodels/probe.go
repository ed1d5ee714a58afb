package savedmodels

import (
	"fmt"
	"maps"
	"slices"

	"upi/savedmodels/graphdef"
	"upi/savedmodels/ops"
	"upi/savedmodels/tensors"

	tf "github.com/wamuir/graft/tensorflow"
)

// maxTensorElements bounds one tensor of the network for one image. VGG16 at 224x224 has 3 million.
const maxTensorElements = 1 << 28

// probe is a flat graph imported for one batch size into a graph of its own, with placeholders for the weights: TensorFlow's
// shape inference without its memory.
type probe struct {
	graph *tf.Graph
	flat  *graphdef.Graph
	ops   map[*graphdef.Node]*tf.Operation
	batch int
}

// OpUse is a kind of op on the way from the image to the logits, and the nodes that are of it.
type OpUse struct {
	Type  string
	Nodes []string
}

func (m *Model) probe(flat *graphdef.Graph, batch int) (*probe, error) {
	g := tf.NewGraph()
	x, err := m.images(g, batch)
	if err != nil {
		return nil, err
	}
	image, err := m.preprocess(g, "probe", x)
	if err != nil {
		return nil, err
	}
	s := ops.NewScope(g, "weights")
	weights := make([]tf.Output, len(m.weights))
	for i, w := range m.weights {
		weights[i] = s.Placeholder(m.types[i], w.Shape()...)
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	if _, err := importFlat(g, "probe", flat, image, weights); err != nil {
		return nil, err
	}
	p := &probe{graph: g, flat: flat, ops: map[*graphdef.Node]*tf.Operation{flat.Input: image.Op}, batch: batch}
	for _, n := range flat.Variables {
		p.ops[n] = weights[n.Variable.Position].Op
	}
	for _, n := range flat.Nodes {
		if p.ops[n] == nil {
			if p.ops[n] = g.Operation("probe/" + n.Name); p.ops[n] == nil {
				return nil, fmt.Errorf("op %q was not imported", n.Name)
			}
		}
	}
	return p, p.checkSizes()
}

// shape is the static shape of a tensor, nil where a dimension is open.
func (p *probe) shape(t graphdef.Tensor) []int64 {
	return static(p.output(t))
}

// namedShape is shape for tensors of graphs that have been made of the probe's, whose nodes keep their names; nil for those of others.
func (p *probe) namedShape() func(graphdef.Tensor) []int64 {
	named := make(map[string]*graphdef.Node, len(p.flat.Nodes))
	for _, n := range p.flat.Nodes {
		named[n.Name] = n
	}
	return func(t graphdef.Tensor) []int64 {
		if n := named[t.Node.Name]; n != nil {
			return p.shape(graphdef.Tensor{Node: n, Index: t.Index})
		}
		return nil
	}
}

func (p *probe) output(t graphdef.Tensor) tf.Output { return p.ops[t.Node].Output(t.Index) }

// checkSizes refuses a network whose tensors no machine holds, before one is asked to.
func (p *probe) checkSizes() error {
	for _, n := range p.flat.Nodes {
		for k := range p.ops[n].NumOutputs() {
			shape := p.shape(graphdef.Tensor{Node: n, Index: k})
			if _, err := tensors.Within(shape, int64(p.batch)*maxTensorElements); err != nil {
				return fmt.Errorf("op %s (node %q): %w", n.Op, n.Name, err)
			}
		}
	}
	return nil
}

// path lists the ops between the image and the output over tensors of a floating or complex type.
func (p *probe) path() []OpUse {
	reached := p.reached()
	nodes := map[string][]string{}
	// Nodes holds only what the output needs, yet a way to it may lead through integers.
	needed := map[*graphdef.Node]bool{p.flat.Output.Node: true}
	for _, n := range slices.Backward(p.flat.Nodes) {
		if !needed[n] || !reached[n] || n == p.flat.Input {
			continue
		}
		nodes[n.Op] = append(nodes[n.Op], n.Name)
		for _, in := range n.Inputs {
			needed[in.Node] = needed[in.Node] || ops.Carries(p.output(in).DataType())
		}
	}
	uses := make([]OpUse, 0, len(nodes))
	for _, op := range slices.Sorted(maps.Keys(nodes)) {
		slices.Reverse(nodes[op])
		uses = append(uses, OpUse{Type: op, Nodes: nodes[op]})
	}
	return uses
}

// reached are the nodes that depend on the image over such tensors.
func (p *probe) reached() map[*graphdef.Node]bool {
	reached := map[*graphdef.Node]bool{p.flat.Input: true}
	for _, n := range p.flat.Nodes {
		for _, in := range n.Inputs {
			reached[n] = reached[n] || reached[in.Node] && ops.Carries(p.output(in).DataType())
		}
	}
	return reached
}

// checkBatch is mixes for the probe's graph at two batch sizes.
func (m *Model) checkBatch(p *probe, size int) error {
	return mixes(p.flat, p.batch, p.shape, func() (*graphdef.Graph, int, func(graphdef.Tensor) []int64, error) {
		q, err := m.probe(p.flat, size)
		if err != nil {
			return nil, 0, nil, err
		}
		return q.flat, q.batch, q.shape, nil
	})
}

// checkTraining refuses batch normalisations with the statistics of their input, but for those over a first dimension of 1: so
// Keras 2 writes a layer normalisation, each of whose rows is a channel. Of these only the first output has a derivative.
func (p *probe) checkTraining() error {
	for _, n := range p.flat.Nodes {
		if trainingNorm(n) {
			if shape := p.shape(n.Inputs[0]); len(shape) == 0 || shape[0] != 1 {
				return fmt.Errorf("op %s (node %q) with is_training=true mixes the images of a batch; save the model for inference (training=False)", n.Op, n.Name)
			}
		}
		for _, in := range n.Inputs {
			if in.Index > 0 && trainingNorm(in.Node) {
				return fmt.Errorf("op %s (node %q) takes output %d of %s (node %q), which has no derivative", n.Op, n.Name, in.Index, in.Node.Op, in.Node.Name)
			}
		}
	}
	return nil
}

// images adds a placeholder of a batch of images in pixel units to g, [batch, H, W, C].
func (m *Model) images(g *tf.Graph, batch int) (tf.Output, error) {
	s := ops.NewScope(g, "images")
	return s.Placeholder(tf.Float, int64(batch), int64(m.shape[0]), int64(m.shape[1]), int64(m.shape[2])), s.Err()
}
