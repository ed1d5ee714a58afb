package saliency

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels"
	"upi/savedmodels/gradient"
	"upi/savedmodels/ops"
)

// A network is a graph under construction for one fixed batch of B images.
type network struct {
	*ops.Scope
	model   *savedmodels.Model
	extra   int64 // bytes of the weights that the model has beside those of the one that was given
	options savedmodels.BuildOptions
	// plain has what is added be without the surrogate.
	plain   bool
	shape   Shape
	batch   int
	forward map[evaluation]forward

	pixels tf.Output // float32 [B, H, W, C]
	class  tf.Output // int32 [B]
	noise  tf.Output // float32 [samples, B, H, W, C]; only where the explanation takes noise
	// baselines are float32 [draws, B, H, W, C] and along, how far the image is on the way from each, [draws, B]; only where the
	// explanation takes baselines.
	baselines, along tf.Output

	// peak is the logarithm of the factor, [B], by which meanOverCopies has left the explanation smaller. Only tests look at it.
	peak tf.Output
}

// A forward is the network evaluated once.
type forward struct {
	name    string    // of the network in the graph
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
	h, w, c := m.ImageShape()[0], m.ImageShape()[1], m.ImageShape()[2]
	n := &network{
		Scope:   ops.NewScope(tf.NewGraph(), "upi"),
		model:   m,
		options: savedmodels.BuildOptions{Surrogate: surrogate},
		shape:   Shape{h, w, c},
		batch:   batch,
		forward: map[evaluation]forward{},
	}
	image := []int64{int64(batch), int64(h), int64(w), int64(c)}
	n.pixels = n.Placeholder(tf.Float, image...)
	n.class = n.Placeholder(tf.Int32, int64(batch))
	if surrogate != nil && surrogate.Fed {
		n.options.Beta = n.Placeholder(tf.Float)
	}
	if e == nil {
		return n
	}
	if e.inside() {
		if plain, err := m.AsSaved(); err != nil {
			n.Fail(err)
		} else if plain != m {
			n.model, n.extra = plain, m.Bytes()
		}
	}
	if draws, _ := e.Baselines(); draws > 0 {
		n.baselines = n.Placeholder(tf.Float, append([]int64{int64(draws)}, image...)...)
		n.along = n.Placeholder(tf.Float, int64(draws), int64(batch))
	}
	if samples, _ := e.Noise(); samples > 0 {
		n.noise = n.Placeholder(tf.Float, append([]int64{int64(samples)}, image...)...)
	}
	return n
}

// ints is a vector of constants; none at all stands for the scalar 0.
func (n *network) ints(values ...int) tf.Output {
	if len(values) == 0 {
		return n.Constant(int32(0))
	}
	vector := make([]int32, len(values))
	for i, v := range values {
		vector[i] = int32(v)
	}
	return n.Constant(vector)
}

func (n *network) float(value float32) tf.Output { return n.Constant(value) }

// column is the vector of a matrix of one column.
func (n *network) column(matrix tf.Output) tf.Output {
	return n.One("Squeeze", ops.Attrs{"squeeze_dims": []int64{1}}, matrix)
}

// An evaluation is the network on some images, to be differentiated or as it was saved: the two differ for networks of 16-bit
// floats. Plain is without the surrogate.
type evaluation struct {
	x            tf.Output
	exact, plain bool
}

// evaluate adds the network on x, [copies * B, H, W, C], unless it stands there already, in the form that is to be differentiated.
func (n *network) evaluate(x tf.Output, copies int) (forward, error) {
	if n.plain {
		return n.add(evaluation{x: x, plain: true}, copies, savedmodels.BuildOptions{Wide: true})
	}
	options := n.options
	options.Wide = true
	return n.add(evaluation{x: x}, copies, options)
}

// withoutSurrogate adds the network itself on the images, in the form that is to be differentiated.
func (n *network) withoutSurrogate() (forward, error) {
	if n.options.Surrogate == nil {
		return n.evaluate(n.pixels, 1)
	}
	return n.add(evaluation{x: n.pixels, plain: true}, 1, savedmodels.BuildOptions{Wide: true})
}

// answer adds the network on the images with the numbers that it gives where it is deployed.
func (n *network) answer() (forward, error) {
	if !n.model.Half() {
		return n.evaluate(n.pixels, 1)
	}
	return n.add(evaluation{x: n.pixels, exact: true}, 1, n.options)
}

func (n *network) add(e evaluation, copies int, options savedmodels.BuildOptions) (forward, error) {
	if f, ok := n.forward[e]; ok {
		return f, nil
	}
	if err := n.Err(); err != nil {
		return forward{}, fmt.Errorf("build graph: %w", err)
	}
	name := fmt.Sprintf("network_%d", len(n.forward))
	logits, err := n.model.Build(n.Graph(), name, e.x, options)
	if err != nil {
		return forward{}, err
	}
	classes := n.class
	if copies > 1 {
		classes = n.One("Tile", nil, classes, n.ints(copies))
	}
	f := forward{name, logits, classes, map[string]tf.Output{}}
	n.forward[e] = f
	return f, nil
}

// saliencyMap returns I(x, c), [B, H*W], and the L1 norms that it was divided by, [B]. Where a norm is 0 the map is 0.
func (n *network) saliencyMap(explanation tf.Output) (mapped, norm tf.Output) {
	channels := n.One("Sum", nil, n.One("Abs", nil, explanation), n.ints(3))
	flat := n.One("Reshape", nil, channels, n.ints(n.batch, n.shape.Pixels()))
	norm = n.One("Sum", ops.Attrs{"keep_dims": true}, flat, n.ints(1))
	divisor := n.One("Select", nil, n.One("Greater", nil, norm, n.float(0)), norm, n.One("OnesLike", nil, norm))
	return n.One("Div", nil, flat, divisor), n.column(norm)
}

// distance returns ||I - I'||_2, [B], of maps of shape [B, H*W]. Its derivative where the maps are equal is 0.
func (n *network) distance(a, b tf.Output) tf.Output {
	squares := n.One("Sum", nil, n.One("Square", nil, n.Sub(a, b)), n.ints(1))
	apart := n.One("Greater", nil, squares, n.float(0))
	root := n.One("Sqrt", nil, n.One("Select", nil, apart, squares, n.One("OnesLike", nil, squares)))
	return n.One("Select", nil, apart, root, n.One("ZerosLike", nil, squares))
}

// differentiate returns the derivative of the sum of y with respect to x; y is weighted by upstream, of its shape, if that is given.
func (n *network) differentiate(y, x tf.Output, upstream ...tf.Output) (tf.Output, error) {
	return n.derive(y, x, gradient.Options{Upstream: upstream})
}

func (n *network) derive(y, x tf.Output, o gradient.Options) (tf.Output, error) {
	if err := n.model.Differentiable(); err != nil {
		return tf.Output{}, err
	}
	if err := n.Err(); err != nil {
		return tf.Output{}, fmt.Errorf("build graph: %w", err)
	}
	gradients, err := gradient.Of(n.Graph(), []tf.Output{y}, []tf.Output{x}, o)
	if err != nil {
		return tf.Output{}, err
	}
	return gradients[0], nil
}
