package savedmodels

import (
	"fmt"

	"upi/savedmodels/graphdef"

	tf "github.com/wamuir/graft/tensorflow"
)

// BuildOptions change the network that Build adds.
type BuildOptions struct {
	// Surrogate replaces the rectifiers by smooth functions; nil leaves them.
	Surrogate *Softplus
}

// Softplus is softplus(Beta x)/Beta, which tends to ReLU as Beta grows.
type Softplus struct{ Beta float64 }

// Build adds the network to g under the given name, which must be new in g. Its images x are float32 [B,H,W,C] in pixel units
// (0..255) with a static shape; it returns the logits, float32 [B,K]. Called again on the same graph, it shares the weights.
func (m *Model) Build(g *tf.Graph, name string, x tf.Output, b BuildOptions) (tf.Output, error) {
	logits, err := m.build(g, name, x, b)
	if err != nil {
		return tf.Output{}, fmt.Errorf("build %s as %q: %w", m.dir, name, err)
	}
	return logits, nil
}

func (m *Model) build(g *tf.Graph, name string, x tf.Output, b BuildOptions) (tf.Output, error) {
	if err := m.checkImages(x); err != nil {
		return tf.Output{}, err
	}
	weights, err := m.addWeights(g)
	if err != nil {
		return tf.Output{}, err
	}
	image, err := m.preprocess(g, name, x)
	if err != nil {
		return tf.Output{}, err
	}
	out, err := embed(g, name, m.graph, image, weights)
	if err != nil {
		return tf.Output{}, err
	}
	return m.finish(g, name, out)
}

func (m *Model) checkImages(x tf.Output) error {
	want := []int64{x.Shape().Size(0), int64(m.shape[0]), int64(m.shape[1]), int64(m.shape[2])}
	got, err := x.Shape().ToSlice()
	if err != nil || want[0] < 1 || x.DataType() != tf.Float || !matches(want, got) {
		return fmt.Errorf("images must be float32 of static shape [B,%d,%d,%d], got %v", m.shape[0], m.shape[1], m.shape[2], x.Shape())
	}
	if m.batch > 0 && want[0]%int64(m.batch) != 0 {
		return fmt.Errorf("the signature takes %d images at a time, so a batch must be a multiple of that, not %d", m.batch, want[0])
	}
	return nil
}

// embed imports a flat graph with its image and variables mapped to tensors of g, and returns its output.
func embed(g *tf.Graph, name string, flat *graphdef.Graph, image tf.Output, weights []tf.Output) (tf.Output, error) {
	def, err := flat.Def()
	if err != nil {
		return tf.Output{}, err
	}
	options := tf.GraphImportOptions{Prefix: name}
	options.AddInputMapping(flat.Input.Name, 0, image)
	for i, n := range flat.Variables {
		options.AddInputMapping(n.Name, 0, weights[i])
	}
	if err := g.ImportWithOptions(def, options); err != nil {
		return tf.Output{}, fmt.Errorf("import the flat graph: %w", err)
	}
	op := g.Operation(name + "/" + flat.Output.Node.Name)
	if op == nil {
		return tf.Output{}, fmt.Errorf("output %s is not an op of the network", flat.Output.Name())
	}
	return op.Output(flat.Output.Index), nil
}
