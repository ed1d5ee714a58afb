package savedmodels

import (
	"fmt"
	"slices"
	"strings"

	"upi/savedmodels/graphdef"
	"upi/savedmodels/ops"

	tf "github.com/wamuir/graft/tensorflow"
)

// A Layer is a tensor of the network that holds the values of channels at places of the image.
type Layer struct {
	// Name is that of the node whose first output it is, in the network as it was saved.
	Name                    string
	Height, Width, Channels int
	// ChannelsFirst says that it is [B,C,H,W], and not [B,H,W,C].
	ChannelsFirst bool
}

// String is the layer's name and shape.
func (l Layer) String() string {
	if l.ChannelsFirst {
		return fmt.Sprintf("%s [B,%d,%d,%d]", l.Name, l.Channels, l.Height, l.Width)
	}
	return fmt.Sprintf("%s [B,%d,%d,%d]", l.Name, l.Height, l.Width, l.Channels)
}

// AsSaved is the model with all tensors that the network was saved with, in their order, as explanations need it that look at more
// than the logits: Open moves and merges operations. It reads the weights a second time, at its first call.
func (m *Model) AsSaved() (*Model, error) {
	if m.asSaved == nil {
		return m, nil
	}
	return m.asSaved()
}

// Rectified says whether rectifiers (Relu, Relu6, LeakyRelu) lie between the image and the logits.
func (m *Model) Rectified() bool {
	return slices.ContainsFunc(m.path, func(u OpUse) bool { return u.Type == "Relu" || u.Type == "Relu6" || u.Type == "LeakyRelu" })
}

// Layer finds a layer of a model that is AsSaved. A name is that of a node, or a part of it between slashes, such as that of a Keras
// layer, of whose nodes the last one is meant. Without a name it is the layer of the last convolution: the last tensor of that
// convolution's height and width, after its bias, normalisation, activation and the sums with what bypasses it, through which all
// that the logits depend on has to pass.
//
// Errors say why there is none: no node of the name, no convolution, attention after the last one, or ways around it.
func (m *Model) Layer(name string) (Layer, error) {
	p, err := m.probe(m.graph, m.trialBatch())
	if err != nil {
		return Layer{}, err
	}
	s := layers{probe: p, reached: p.reached(), layout: m.options.Layout}
	var l Layer
	if name == "" {
		l, err = s.ofLastConvolution()
	} else {
		l, err = s.named(name)
	}
	if err != nil {
		return Layer{}, fmt.Errorf("%s: %w", m.dir, err)
	}
	return l, nil
}

// Find is the layer's tensor in a graph to which Build has added the model under a name, for so many images. Where the network's graph is
// that of a smaller batch, so that Build puts several side by side, the layer is found if its operation works on all of them at once.
func (l Layer) Find(g *tf.Graph, name string, batch int) (tf.Output, error) {
	want := []int64{int64(batch), int64(l.Height), int64(l.Width), int64(l.Channels)}
	if l.ChannelsFirst {
		want = []int64{int64(batch), int64(l.Channels), int64(l.Height), int64(l.Width)}
	}
	holds := func(op *tf.Operation) bool {
		return op != nil && op.NumOutputs() > 0 && ops.Same(ops.Dims(op.Output(0)), want)
	}
	name += "/" + l.Name
	if op := g.Operation(name); op != nil {
		if holds(op) {
			return op.Output(0), nil
		}
		return tf.Output{}, l.lost(batch)
	}
	var found []*tf.Operation
	for _, op := range g.Operations() {
		number, of := strings.CutPrefix(op.Name(), name+graphdef.CallsSuffix)
		if !of || strings.Contains(number, "/") {
			continue
		}
		if op.Type() == "Reshape" || op.Type() == "Pack" {
			return tf.Output{}, l.lost(batch) // another form of it, which not all that reads the layer reads
		}
		if holds(&op) {
			found = append(found, &op)
		}
	}
	if len(found) != 1 {
		return tf.Output{}, l.lost(batch)
	}
	return found[0].Output(0), nil
}

func (l Layer) lost(batch int) error {
	return fmt.Errorf("the layer %s is not to be found for %d images at once, since the network takes its images in parts; save it with "+
		"an open batch", l, batch)
}

// layers looks for layers in the graph of a probe.
type layers struct {
	*probe
	reached map[*graphdef.Node]bool
	layout  string // of the network's input
}

// at is a node's first output as a layer, if it is one.
func (s layers) at(n *graphdef.Node) (Layer, bool) {
	t := graphdef.Tensor{Node: n}
	if n == s.flat.Input || !s.reached[n] || s.ops[n].NumOutputs() == 0 || !ops.IsFloat(s.output(t).DataType()) {
		return Layer{}, false
	}
	d := s.shape(t)
	if len(d) != 4 || d[0] != int64(s.batch) {
		return Layer{}, false
	}
	l := Layer{Name: n.Name, ChannelsFirst: s.channelsFirst(n), Height: int(d[1]), Width: int(d[2]), Channels: int(d[3])}
	if l.ChannelsFirst {
		l.Height, l.Width, l.Channels = int(d[2]), int(d[3]), int(d[1])
	}
	return l, l.Height*l.Width > 1 && l.Channels > 0
}

// channelsFirst follows a tensor back to an operation that tells its layout.
func (s layers) channelsFirst(n *graphdef.Node) bool {
	for n != s.flat.Input {
		if format := n.Attr["data_format"].GetS(); len(format) > 0 {
			return string(format) == "NCHW"
		}
		switch {
		case convolves(n) || n.Op == "Reshape":
			return false
		case n.Op == "Transpose" && len(n.Inputs) == 2:
			if order, known := n.Inputs[1].Ints(); known {
				return slices.Equal(order, []int64{0, 3, 1, 2})
			}
			return false
		}
		back := slices.IndexFunc(n.Inputs, func(t graphdef.Tensor) bool { return s.reached[t.Node] })
		if back < 0 {
			return false
		}
		n = n.Inputs[back].Node
	}
	return s.layout == NCHW
}

func convolves(n *graphdef.Node) bool { return n.Op == "Conv2D" || n.Op == "DepthwiseConv2dNative" }

// moves are the operations whose results are no longer the activations of the convolution before them, whatever their shape.
var moves = []string{"MaxPool", "AvgPool", "Transpose", "Reshape", "ReverseV2", "Roll", "ResizeBilinear", "ResizeNearestNeighbor"}

func (s layers) ofLastConvolution() (Layer, error) {
	last, at := Layer{}, -1
	for i, n := range s.flat.Nodes {
		if l, ok := s.at(n); ok && convolves(n) {
			last, at = l, i
		}
	}
	if at < 0 {
		return Layer{}, fmt.Errorf("the network has no convolution whose result has more than one place; name a layer of [B,H,W,C] (layer: NAME)")
	}
	found, passed := Layer{}, s.passed()
	for i, n := range s.flat.Nodes[at:] {
		if !passed[at+i] {
			continue
		}
		l, ok := s.at(n)
		if !ok || l.Height != last.Height || l.Width != last.Width || slices.Contains(moves, n.Op) {
			break
		}
		found, last = l, l
	}
	if found.Name == "" {
		return Layer{}, fmt.Errorf("the network has ways around its last convolution, %s, that do not meet at its size; name a layer (layer: NAME)", last)
	}
	for _, n := range s.after(found.Name) {
		if s.attends(n) {
			return Layer{}, fmt.Errorf("the network has attention (%s) after its last convolution, %s, so that places of that layer are not those "+
				"that its answer looks at; name a layer of [B,H,W,C] (layer: NAME)", n.Name, found)
		}
	}
	return found, nil
}

// after are the nodes behind a named one.
func (s layers) after(name string) []*graphdef.Node {
	return s.flat.Nodes[slices.IndexFunc(s.flat.Nodes, func(n *graphdef.Node) bool { return n.Name == name })+1:]
}

// attends says whether a node multiplies matrices that both depend on the image.
func (s layers) attends(n *graphdef.Node) bool {
	if n.Op != "MatMul" && n.Op != "Einsum" && !strings.HasPrefix(n.Op, "BatchMatMul") {
		return false
	}
	return len(n.Inputs) == 2 && s.reached[n.Inputs[0].Node] && s.reached[n.Inputs[1].Node]
}

// passed says of each node whether every way over floating tensors from the image to the output leads through its first output: no
// tensor that is made before it is read after it.
func (s layers) passed() []bool {
	readLast, besides := map[*graphdef.Node]int{}, map[*graphdef.Node]bool{}
	for i, n := range s.flat.Nodes {
		if !s.reached[n] || s.ops[n].NumOutputs() == 0 || !ops.Carries(s.output(graphdef.Tensor{Node: n}).DataType()) {
			continue // such as the shape of a tensor, behind which its values no longer are
		}
		for _, in := range n.Inputs {
			if s.reached[in.Node] && ops.Carries(s.output(in).DataType()) {
				readLast[in.Node] = i
				besides[in.Node] = besides[in.Node] || in.Index > 0
			}
		}
	}
	passed := make([]bool, len(s.flat.Nodes))
	furthest := 0
	for i, n := range s.flat.Nodes {
		read, isRead := readLast[n]
		passed[i] = furthest <= i && isRead && !besides[n]
		furthest = max(furthest, read)
	}
	return passed
}

// named is the layer of a node, or of the last node of a layer of Keras.
func (s layers) named(name string) (Layer, error) {
	var last *graphdef.Node
	for _, n := range s.flat.Nodes {
		if n.Name == name {
			last = n
			break
		}
		if _, ok := s.at(n); ok && strings.Contains("/"+n.Name+"/", "/"+name+"/") {
			last = n
		}
	}
	if last == nil {
		return Layer{}, fmt.Errorf("no layer of [B,H,W,C] is called %q: want the name of a node, or a part of it between slashes, such as %s",
			name, strings.Join(s.examples(), ", "))
	}
	l, ok := s.at(last)
	if !ok {
		return Layer{}, fmt.Errorf("the layer %q is not [B,H,W,C] with more than one place: its shape for %d images is %s", name, s.batch,
			graphdef.ShapeString(s.shape(graphdef.Tensor{Node: last})))
	}
	return l, nil
}

// examples names a few layers, the last ones.
func (s layers) examples() []string {
	var names []string
	for _, n := range slices.Backward(s.flat.Nodes) {
		if l, ok := s.at(n); ok && len(names) < 5 {
			names = append(names, l.String())
		}
	}
	if names == nil {
		return []string{"none, for the network has no such layer"}
	}
	return names
}
