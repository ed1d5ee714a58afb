package savedmodels

import (
	"slices"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"
)

// OpUse is a kind of op on the way from the image to the logits, and the nodes that are of it.
type OpUse struct {
	Type  string
	Nodes []string
}

// trial imports the network once into a graph of its own, to find the classes and the ops on the path.
func (m *Model) trial() error {
	g := tf.NewGraph()
	x, err := placeholder(g, "image", tf.Float, int64(max(m.batch, 1)), int64(m.shape[0]), int64(m.shape[1]), int64(m.shape[2]))
	if err != nil {
		return err
	}
	logits, err := m.build(g, "trial", x, BuildOptions{})
	if err != nil {
		return err
	}
	m.classes = int(logits.Shape().Size(1))
	return nil
}

func placeholder(g *tf.Graph, name string, dtype tf.DataType, dims ...int64) (tf.Output, error) {
	op, err := g.AddOperation(tf.OpSpec{
		Type: "Placeholder", Name: name, Attrs: map[string]any{"dtype": dtype, "shape": tf.MakeShape(dims...)},
	})
	if err != nil {
		return tf.Output{}, err
	}
	return op.Output(0), nil
}

var _ = slices.Sorted[string]
var _ = strings.Cut
