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
	forward map[tf.Output]forward

	pixels tf.Output // float32 [B, H, W, C]
	class  tf.Output // int32 [B]
	noise  tf.Output // float32 [samples, B, H, W, C]; only where the explanation takes noise
}

// A forward is the network evaluated once.
type forward struct {
	logits tf.Output // [N, K]
	class  tf.Output // one-hot, [N, K]
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
		forward: map[tf.Output]forward{},
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

// ints adds a vector of constants; none at all stands for the scalar 0.
func (n *network) ints(values ...int) tf.Output {
	if len(values) == 0 {
		return op.Const(n.op(), int32(0))
	}
	vector := make([]int32, len(values))
	for i, v := range values {
		vector[i] = int32(v)
	}
	return op.Const(n.op(), vector)
}

func (n *network) float(value float32) tf.Output {
	return op.Const(n.op(), value)
}

// evaluate adds the network on x, [copies * B, H, W, C], unless it stands there already.
func (n *network) evaluate(x tf.Output, copies int) (forward, error) {
	if f, ok := n.forward[x]; ok {
		return f, nil
	}
	if err := n.scope.Err(); err != nil {
		return forward{}, fmt.Errorf("build graph: %w", err)
	}
	logits, err := n.model.Build(n.graph, fmt.Sprintf("network_%d", len(n.forward)), x, n.options)
	if err != nil {
		return forward{}, err
	}
	classes := n.class
	if copies > 1 {
		classes = op.Tile(n.op(), classes, n.ints(copies))
	}
	depth := op.Const(n.op(), int32(n.model.Classes()))
	f := forward{logits, op.OneHot(n.op(), classes, depth, n.float(1), n.float(0))}
	n.forward[x] = f
	return f, nil
}

// others returns log(sum over k != c of exp(z_k)), [N].
func (n *network) others(f forward) tf.Output {
	rest := op.Sub(n.op(), f.logits, op.Mul(n.op(), f.class, n.float(1e30)))
	largest := op.StopGradient(n.op(), op.Max(n.op(), rest, n.ints(1), op.MaxKeepDims(true)))
	total := op.Sum(n.op(), op.Exp(n.op(), op.Sub(n.op(), rest, largest)), n.ints(1))
	return op.AddV2(n.op(), op.Log(n.op(), total), op.Squeeze(n.op(), largest, op.SqueezeAxis([]int64{1})))
}

// own returns z_c, [N].
func (n *network) own(f forward) tf.Output {
	return op.Sum(n.op(), op.Mul(n.op(), f.logits, f.class), n.ints(1))
}

// score returns S_c, [N].
//
// The probability is written as the sigmoid of the margin z_c - log(sum over k != c of exp(z_k)): the same number as the
// softmax's, but its derivatives keep their float32 digits where p is near 1, where 1 - p has none.
func (n *network) score(f forward, score Score) tf.Output {
	if score == Logit {
		return n.own(f)
	}
	return op.Sigmoid(n.op(), op.Sub(n.op(), n.own(f), n.others(f)))
}

// crossEntropy returns -log p_c, [N], as softplus(log(sum over k != c of exp(z_k)) - z_c).
func (n *network) crossEntropy(f forward) tf.Output {
	margin := op.Sub(n.op(), n.others(f), n.own(f))
	softplus := n.op().AddOperation(tf.OpSpec{Type: "Softplus", Input: []tf.Input{margin}})
	if softplus == nil {
		return margin // the scope holds the error
	}
	return softplus.Output(0)
}

// scoreGradient returns dS_c/dx, [copies * B, H, W, C], at x of that shape.
func (n *network) scoreGradient(x tf.Output, score Score, copies int) (tf.Output, error) {
	f, err := n.evaluate(x, copies)
	if err != nil {
		return tf.Output{}, err
	}
	return n.differentiate(n.score(f, score), x)
}

// meanOverCopies returns the mean over copies of dS_c/dx at points, [copies, B, H, W, C].
func (n *network) meanOverCopies(points tf.Output, score Score, copies int) (tf.Output, error) {
	h, w, c := n.shape.Height, n.shape.Width, n.shape.Channels
	flat := op.Reshape(n.op(), points, n.ints(copies*n.batch, h, w, c))
	each, err := n.scoreGradient(flat, score, copies)
	if err != nil {
		return tf.Output{}, err
	}
	return op.Mean(n.op(), op.Reshape(n.op(), each, n.ints(copies, n.batch, h, w, c)), n.ints()), nil
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

func (n *network) differentiate(y, x tf.Output) (tf.Output, error) {
	if err := n.model.Differentiable(); err != nil {
		return tf.Output{}, err
	}
	if err := n.scope.Err(); err != nil {
		return tf.Output{}, fmt.Errorf("build graph: %w", err)
	}
	gradients, err := gradient.Of(n.graph, []tf.Output{y}, []tf.Output{x}, gradient.Options{})
	if err != nil {
		return tf.Output{}, err
	}
	return gradients[0], nil
}
