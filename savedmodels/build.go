package savedmodels

import (
	"fmt"

	"upi/savedmodels/graphdef"
	"upi/savedmodels/ops"

	tf "github.com/wamuir/graft/tensorflow"
)

// BuildOptions change the network that Build adds.
type BuildOptions struct {
	// Surrogate replaces the rectifiers (Relu, Relu6, LeakyRelu) by smooth functions; nil leaves them.
	Surrogate *Softplus
	// Beta, a float32 scalar of the graph, is that of a surrogate whose beta is fed.
	Beta tf.Output
	// Wide has float32 in place of 16-bit floats, as is right for a network that is to be differentiated: their derivatives
	// underflow. Without it the network is as it was saved.
	Wide bool
}

// Softplus stands for ReLU as softplus(Beta x)/Beta, which tends to it as Beta grows. graphdef's Smooth says what becomes of
// the other rectifiers.
type Softplus struct {
	// Beta is above 0. Of one that is fed it is the least value that it may have.
	Beta float64
	// Fed has each call say beta.
	Fed bool
}

// Build adds the network to g under the given name, which must be new in g. Its images x are float32 [B,H,W,C] in pixel units
// (0..255) with a static shape; it returns the logits, float32 [B,K]. Called again on the same graph, it shares the weights.
// A session of g has to be given to Initialize before it can run them.
//
// The error says what is in the way: another shape, a batch that the signature does not take, a surrogate for a network
// without rectifiers, an op that does not fit the shapes.
func (m *Model) Build(g *tf.Graph, name string, x tf.Output, b BuildOptions) (tf.Output, error) {
	logits, err := m.build(g, name, x, b)
	if err != nil {
		return tf.Output{}, fmt.Errorf("build %s as %q: %w", m.dir, name, err)
	}
	return logits, nil
}

func (m *Model) build(g *tf.Graph, name string, x tf.Output, b BuildOptions) (tf.Output, error) {
	batch, err := m.checkImages(x)
	if err != nil {
		return tf.Output{}, err
	}
	if b.Wide && m.wide != nil {
		return m.wide.build(g, name, x, BuildOptions{Surrogate: b.Surrogate, Beta: b.Beta})
	}
	flat := m.graph
	step := batch
	if m.unit > 0 {
		step = m.unit
	}
	probe, err := m.probe(flat, step)
	if err != nil {
		return tf.Output{}, err
	}
	if flat, err = flat.WithShapes(probe.shape); err != nil {
		return tf.Output{}, err
	}
	weights, err := m.addWeights(g)
	if err != nil {
		return tf.Output{}, err
	}
	switch {
	case step < batch:
		flat, err = m.calls(flat, batch/step)
	case m.asSaved != nil: // or explanations would look for tensors that are gone
		flat, err = rearrange(flat, probe)
	}
	if err != nil {
		return tf.Output{}, err
	}
	var fed *graphdef.Node
	if b.Surrogate != nil {
		if flat, fed, err = smooth(flat, *b.Surrogate); err != nil {
			return tf.Output{}, err
		}
	}
	return m.embed(g, name, flat, x, weights, mapping{fed, b.Beta})
}

// rearrange has derivatives do less work for the same scores, up to rounding.
func rearrange(flat *graphdef.Graph, p *probe) (*graphdef.Graph, error) {
	flat, err := flat.Products(p.namedShape())
	if err != nil {
		return nil, err
	}
	return flat.Centre()
}

// checkImages returns the batch size of x.
func (m *Model) checkImages(x tf.Output) (int, error) {
	want := []int64{-1, int64(m.shape[0]), int64(m.shape[1]), int64(m.shape[2])}
	got := ops.Dims(x)
	if got == nil || x.DataType() != tf.Float || !matches(want, got) || got[0] < 1 {
		return 0, fmt.Errorf("images must be float32 of static shape [B,%d,%d,%d], got %v", want[1], want[2], want[3], x.Shape())
	}
	if batch := int64(m.batch); batch > 0 && got[0]%batch != 0 {
		return 0, fmt.Errorf("the signature takes %d images at a time, so a batch must be a multiple of that, not %d", batch, got[0])
	}
	return int(got[0]), nil
}

// smooth replaces the rectifiers; the node is the placeholder of a beta that is fed, otherwise nil.
func smooth(flat *graphdef.Graph, s Softplus) (smoothed *graphdef.Graph, fed *graphdef.Node, err error) {
	if !(s.Beta > 0) {
		return nil, nil, fmt.Errorf("surrogate softplus: beta must be above 0, not %g", s.Beta)
	}
	replaced := 0
	if s.Fed {
		smoothed, replaced, fed = flat.SmoothFed(s.Beta, "upi/softplus/beta")
	} else {
		smoothed, replaced = flat.Smooth(s.Beta)
	}
	if replaced == 0 {
		return nil, nil, fmt.Errorf("surrogate softplus: the network has no Relu, Relu6 or LeakyRelu to replace")
	}
	return smoothed, fed, nil
}

// A mapping has a tensor stand for a node; none if the node is nil.
type mapping struct {
	node *graphdef.Node
	to   tf.Output
}

// embed adds a flat graph on images x and returns its logits.
func (m *Model) embed(g *tf.Graph, name string, flat *graphdef.Graph, x tf.Output, weights []tf.Output, fed ...mapping) (tf.Output, error) {
	image, err := m.preprocess(g, name, x)
	if err != nil {
		return tf.Output{}, err
	}
	out, err := importFlat(g, name, flat, image, weights, fed...)
	if err != nil {
		return tf.Output{}, err
	}
	return m.finish(g, name, x.Shape().Size(0), out)
}

// importFlat imports a flat graph with its image, variables and what else is fed mapped to tensors of g, and returns its output.
func importFlat(g *tf.Graph, name string, flat *graphdef.Graph, image tf.Output, weights []tf.Output, fed ...mapping) (tf.Output, error) {
	if flat.Output.Node == flat.Input {
		return image, nil
	}
	def, err := flat.Def()
	if err != nil {
		return tf.Output{}, err
	}
	options := tf.GraphImportOptions{Prefix: name}
	options.AddInputMapping(flat.Input.Name, 0, image)
	for _, m := range fed {
		if m.node != nil {
			options.AddInputMapping(m.node.Name, 0, m.to)
		}
	}
	for _, n := range flat.Variables {
		options.AddInputMapping(n.Name, 0, weights[n.Variable.Position])
	}
	if err := g.ImportWithOptions(def, options); err != nil {
		return tf.Output{}, fmt.Errorf("import the flat graph: %w", err)
	}
	op := g.Operation(name + "/" + flat.Output.Node.Name)
	if op == nil || flat.Output.Index >= op.NumOutputs() {
		return tf.Output{}, fmt.Errorf("output %s is not an op of the network", flat.Output.Name())
	}
	return op.Output(flat.Output.Index), nil
}
