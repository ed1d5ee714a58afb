package saliency

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"upi/savedmodels"
	"upi/savedmodels/gradient"
)

// A network is a graph under construction for one fixed batch of B images.
type network struct {
	graph   *tf.Graph
	scope   *op.Scope
	model   *savedmodels.Model
	options savedmodels.BuildOptions
	shape   Shape
	batch   int
	forward map[evaluation]forward

	constants map[string]tf.Output

	pixels tf.Output // float32 [B, H, W, C]
	class  tf.Output // int32 [B]
	noise  tf.Output // float32 [samples, B, H, W, C]; only where the explanation takes noise

	// peak is the logarithm of the factor, [B], by which meanOverCopies has left the explanation smaller. Only tests look at it.
	peak tf.Output
}

// A forward is the network evaluated once.
type forward struct {
	logits  tf.Output // [N, columns]
	classes tf.Output // int32 [N]

	made map[string]tf.Output // what once has made of them
}

// once returns the tensor of a name, made when it is first asked for.
func (f forward) once(name string, build func() tf.Output) tf.Output {
	if _, ok := f.made[name]; !ok {
		f.made[name] = build()
	}
	return f.made[name]
}

// A Shape is the shape of one image: Height x Width x Channels.
type Shape struct{ Height, Width, Channels int }

// Pixels is the number of places of a map, Height x Width.
func (s Shape) Pixels() int { return s.Height * s.Width }

// Size is the number of values of an image, Height x Width x Channels.
func (s Shape) Size() int { return s.Pixels() * s.Channels }

func newNetwork(m *savedmodels.Model, e Explanation, surrogate *savedmodels.Softplus, batch int) *network {
	g := tf.NewGraph()
	h, w, c := m.ImageShape()[0], m.ImageShape()[1], m.ImageShape()[2]
	n := &network{
		graph:   g,
		scope:   op.NewScopeWithGraph(g).SubScope("upi"),
		model:   m,
		options: savedmodels.BuildOptions{Surrogate: surrogate},
		shape:   Shape{h, w, c},
		batch:   batch,
		forward: map[evaluation]forward{},

		constants: map[string]tf.Output{},
	}
	image := []int64{int64(batch), int64(h), int64(w), int64(c)}
	n.pixels = n.placeholder(tf.Float, image...)
	n.class = n.placeholder(tf.Int32, int64(batch))
	if e == nil {
		return n
	}
	if samples, _ := e.Noise(); samples > 0 {
		n.noise = n.placeholder(tf.Float, append([]int64{int64(samples)}, image...)...)
	}
	return n
}

// op returns the scope of one operation: graft does not keep the names of one scope apart.
func (n *network) op() *op.Scope { return n.scope.SubScope("op") }

func (n *network) placeholder(t tf.DataType, shape ...int64) tf.Output {
	return op.Placeholder(n.op(), t, op.PlaceholderShape(tf.MakeShape(shape...)))
}

// constant adds a constant, once.
func (n *network) constant(value any) tf.Output {
	key := fmt.Sprintf("%T %v", value, value)
	if _, ok := n.constants[key]; !ok {
		n.constants[key] = op.Const(n.op(), value)
	}
	return n.constants[key]
}

// ints is a vector of constants; none at all stands for the scalar 0.
func (n *network) ints(values ...int) tf.Output {
	if len(values) == 0 {
		return n.constant(int32(0))
	}
	vector := make([]int32, len(values))
	for i, v := range values {
		vector[i] = int32(v)
	}
	return n.constant(vector)
}

func (n *network) float(value float32) tf.Output { return n.constant(value) }

// An evaluation is the network on some images, to be differentiated or as it was saved: the two differ for networks of 16-bit
// floats.
type evaluation struct {
	x     tf.Output
	exact bool
}

// evaluate adds the network on x, [copies * B, H, W, C], unless it stands there already, in the form that is to be differentiated.
func (n *network) evaluate(x tf.Output, copies int) (forward, error) {
	options := n.options
	options.Wide = true
	return n.add(evaluation{x, false}, copies, options)
}

// answer adds the network on the images with the numbers that it gives where it is deployed.
func (n *network) answer() (forward, error) {
	if !n.model.Half() {
		return n.evaluate(n.pixels, 1)
	}
	return n.add(evaluation{n.pixels, true}, 1, n.options)
}

func (n *network) add(e evaluation, copies int, options savedmodels.BuildOptions) (forward, error) {
	if f, ok := n.forward[e]; ok {
		return f, nil
	}
	if err := n.scope.Err(); err != nil {
		return forward{}, fmt.Errorf("build graph: %w", err)
	}
	logits, err := n.model.Build(n.graph, fmt.Sprintf("network_%d", len(n.forward)), e.x, options)
	if err != nil {
		return forward{}, err
	}
	classes := n.class
	if copies > 1 {
		classes = op.Tile(n.op(), classes, n.ints(copies))
	}
	f := forward{logits, classes, map[string]tf.Output{}}
	n.forward[e] = f
	return f, nil
}

// saliencyMap returns I(x, c), [B, H*W], and the L1 norms that it was divided by, [B]. Where a norm is 0 the map is 0.
func (n *network) saliencyMap(explanation tf.Output) (mapped, norm tf.Output) {
	channels := op.Sum(n.op(), op.Abs(n.op(), explanation), n.ints(3))
	flat := op.Reshape(n.op(), channels, n.ints(n.batch, n.shape.Pixels()))
	norm = op.Sum(n.op(), flat, n.ints(1), op.SumKeepDims(true))
	divisor := op.Select(n.op(), op.Greater(n.op(), norm, n.float(0)), norm, op.OnesLike(n.op(), norm))
	return op.Div(n.op(), flat, divisor), op.Squeeze(n.op(), norm, op.SqueezeAxis([]int64{1}))
}

// distance returns ||I - I'||_2, [B], of maps of shape [B, H*W]. Its derivative where the maps are equal is 0.
func (n *network) distance(a, b tf.Output) tf.Output {
	squares := op.Sum(n.op(), op.Square(n.op(), op.Sub(n.op(), a, b)), n.ints(1))
	apart := op.Greater(n.op(), squares, n.float(0))
	root := op.Sqrt(n.op(), op.Select(n.op(), apart, squares, op.OnesLike(n.op(), squares)))
	return op.Select(n.op(), apart, root, op.ZerosLike(n.op(), squares))
}

// differentiate returns the derivative of the sum of y with respect to x; y is weighted by upstream, of its shape, if that is given.
func (n *network) differentiate(y, x tf.Output, upstream ...tf.Output) (tf.Output, error) {
	if err := n.model.Differentiable(); err != nil {
		return tf.Output{}, err
	}
	if err := n.scope.Err(); err != nil {
		return tf.Output{}, fmt.Errorf("build graph: %w", err)
	}
	gradients, err := gradient.Of(n.graph, []tf.Output{y}, []tf.Output{x}, gradient.Options{Upstream: upstream})
	if err != nil {
		return tf.Output{}, err
	}
	return gradients[0], nil
}
