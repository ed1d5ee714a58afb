package graphdef

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// chain builds what follows a product in a test, and keeps its weights and shapes.
type chain struct {
	*editor
	graph  *Graph
	shapes map[Tensor][]int64
	floats [][]float32
}

func newChain(shape ...int64) *chain {
	c := &chain{editor: newEditor(&Graph{}, "test"), shapes: map[Tensor][]int64{}}
	x := c.node("Placeholder", map[string]*attr_value_go_proto.AttrValue{"dtype": typeAttr(f32)})
	c.graph = &Graph{Input: x.Node}
	return c.of(x, shape...)
}

// of appends a node of a shape, which becomes the output.
func (c *chain) of(t Tensor, shape ...int64) *chain {
	c.graph.Nodes = append(c.graph.Nodes, t.Node)
	c.shapes[t], c.graph.Output = append([]int64{}, shape...), t
	return c
}

func (c *chain) weight(values []float32, shape ...int64) Tensor {
	out := c.graph.Output
	v := c.node("ReadVariableOp", nil)
	v.Node.Variable = &Variable{Name: v.Node.Name, DType: f32, Shape: shape, Position: len(c.floats)}
	c.floats, c.graph.Variables = append(c.floats, values), append(c.graph.Variables, v.Node)
	c.of(v, shape...)
	c.graph.Output = out
	return v
}

// then applies an op to the output; weights are further inputs.
func (c *chain) then(op string, attr map[string]*attr_value_go_proto.AttrValue, shape []int64, weights ...Tensor) *chain {
	attr = cloneAttr(attr)
	attr["T"] = typeAttr(f32)
	return c.of(c.node(op, attr, append([]Tensor{c.graph.Output}, weights...)...), shape...)
}

func (c *chain) Shape(t Tensor) []int64 { return c.shapes[t] }

func (c *chain) Floats(v *Variable) ([]float32, bool) { return c.floats[v.Position], v.DType == f32 }

func (c *chain) Add(values []float32, _ []int64) int {
	c.floats = append(c.floats, values)
	return len(c.floats) - 1
}

func text(s string) *attr_value_go_proto.AttrValue {
	return &attr_value_go_proto.AttrValue{Value: &attr_value_go_proto.AttrValue_S{S: []byte(s)}}
}

// TestFoldNorms folds chains of one product each, and compares the weight and the bias with the formulas
//
//	weight * gamma / sqrt(variance + epsilon), beta - mean * gamma / sqrt(variance + epsilon)
//
// and their like, in the layouts that TensorFlow has for weights.
func TestFoldNorms(t *testing.T) {
	type attrs = map[string]*attr_value_go_proto.AttrValue
	inference := attrs{"is_training": boolAttr(false), "epsilon": {Value: &attr_value_go_proto.AttrValue_F{F: 0.75}}}
	// Scales 2 and -1, shifts 0 and 5: gamma/sqrt(variance + 0.75) and beta - mean*scale.
	normed := func(c *chain, shape []int64, a attrs) *chain {
		return c.then("FusedBatchNormV3", a, shape, c.weight([]float32{2, -2}, 2), c.weight([]float32{6, 2}, 2),
			c.weight([]float32{3, 3}, 2), c.weight([]float32{0.25, 3.25}, 2))
	}
	image, rows, first := []int64{4, 3, 3, 2}, []int64{4, 2}, []int64{4, 2, 3, 3}
	conv := func(c *chain) *chain {
		return c.then("Conv2D", nil, image, c.weight([]float32{1, 2, 3, 4}, 1, 1, 2, 2))
	}
	for name, test := range map[string]struct {
		build        func() *chain
		weight, bias []float32 // nil: nothing is folded
	}{
		"convolution": {func() *chain { return normed(conv(newChain(image...)), image, inference) },
			[]float32{2, -2, 6, -4}, []float32{0, 5}},
		"with a bias": {func() *chain {
			c := conv(newChain(image...))
			return normed(c.then("BiasAdd", nil, image, c.weight([]float32{10, 20}, 2)), image, inference)
		}, []float32{2, -2, 6, -4}, []float32{20, -15}},
		"channels first": {func() *chain {
			layout := attrs{"data_format": text("NCHW")}
			c := newChain(first...)
			c.then("Conv2D", layout, first, c.weight([]float32{1, 2, 3, 4}, 1, 1, 2, 2))
			return normed(c, first, attrs{"is_training": boolAttr(false), "epsilon": inference["epsilon"], "data_format": text("NCHW")})
		}, []float32{2, -2, 6, -4}, []float32{0, 5}},
		"depthwise": {func() *chain {
			c := newChain(4, 3, 3, 1)
			return normed(c.then("DepthwiseConv2dNative", nil, image, c.weight([]float32{1, 2, 3, 4}, 2, 1, 1, 2)), image, inference)
		}, []float32{2, -2, 6, -4}, []float32{0, 5}},
		"spelt out": {func() *chain {
			c := conv(newChain(image...))
			root := c.weight([]float32{4, 4}, 2)
			scale := c.add("Rsqrt", f32, root)
			out := c.graph.Output
			c.of(scale, 2)
			c.graph.Output = out
			return c.then("Mul", nil, image, scale).then("AddV2", nil, image, c.weight([]float32{1, -1}, 1, 1, 1, 2)).
				then("Sub", nil, image, c.weight([]float32{3}))
		}, []float32{0.5, 1, 1.5, 2}, []float32{-2, -4}},
		"matrix": {func() *chain {
			c := newChain(rows...)
			c.then("MatMul", nil, rows, c.weight([]float32{1, 2, 3, 4}, 2, 2))
			return c.then("Mul", nil, rows, c.weight([]float32{10, 100}, 2))
		}, []float32{10, 200, 30, 400}, nil},
		"turned matrix": {func() *chain {
			c := newChain(rows...)
			c.then("MatMul", attrs{"transpose_b": boolAttr(true)}, rows, c.weight([]float32{1, 2, 3, 4}, 2, 2))
			return c.then("RealDiv", nil, rows, c.weight([]float32{0.1, 0.01}, 2)).then("BiasAdd", nil, rows, c.weight([]float32{7, 8}, 2))
		}, []float32{10, 20, 300, 400}, []float32{7, 8}},

		"a bias alone": {func() *chain {
			c := conv(newChain(image...))
			return c.then("BiasAdd", nil, image, c.weight([]float32{10, 20}, 2))
		}, nil, nil},
		"training": {func() *chain {
			return normed(conv(newChain(image...)), image, attrs{"is_training": boolAttr(true)})
		}, nil, nil},
		"another axis": {func() *chain {
			return normed(conv(newChain(image...)), image, attrs{"is_training": boolAttr(false), "data_format": text("NCHW")})
		}, nil, nil},
		"a scale for each place": {func() *chain {
			c := conv(newChain(4, 1, 2, 2))
			return c.then("Mul", nil, image, c.weight([]float32{1, 2}, 2, 1))
		}, nil, nil},
		"a scale by the image": {func() *chain {
			c := newChain(image...)
			x := c.graph.Output
			return conv(c).then("Mul", nil, image, x)
		}, nil, nil},
		"another reader": {func() *chain {
			c := conv(newChain(image...))
			product := c.graph.Output
			return c.then("Mul", nil, image, c.weight([]float32{10, 100}, 2)).then("AddV2", nil, image, product)
		}, nil, nil},
		"the square": {func() *chain {
			c := conv(newChain(image...))
			return c.then("Mul", nil, image, c.graph.Output)
		}, nil, nil},
		"16 bits": {func() *chain {
			c := normed(conv(newChain(image...)), image, inference)
			for _, n := range c.graph.Nodes {
				if n.Attr["T"] != nil {
					n.Attr["T"] = typeAttr(types_go_proto.DataType_DT_HALF)
				}
			}
			return c
		}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := test.build()
			before := fmt.Sprint(c.graph.Histogram())
			folded, count, err := c.graph.FoldNorms(c)
			if err != nil {
				t.Fatal(err)
			}
			if test.weight == nil {
				if count != 0 || fmt.Sprint(folded.Histogram()) != before {
					t.Errorf("%d folded: %v", count, folded.Histogram())
				}
				return
			}
			product := folded.Output.Node
			if test.bias != nil {
				if product.Op != "BiasAdd" {
					t.Fatalf("ends in %s", product.Op)
				}
				c.check(t, product.Inputs[1], test.bias)
				product = product.Inputs[0].Node
			}
			if count != 1 || len(folded.Histogram()) != map[bool]int{true: 1, false: 2}[test.bias == nil] {
				t.Errorf("%d folded, left: %v", count, folded.Histogram())
			}
			c.check(t, product.Inputs[1], test.weight)
			if fmt.Sprint(c.graph.Histogram()) != before {
				t.Error("the original graph has changed")
			}
		})
	}
}

func (c *chain) check(t *testing.T, weight Tensor, want []float32) {
	t.Helper()
	got := c.floats[weight.Node.Variable.Position]
	if !slices.EqualFunc(got, want, func(a, b float32) bool { return math.Abs(float64(a-b)) <= 1e-4*math.Abs(float64(b))+1e-6 }) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestPoolFirst moves max pooling before activations that never fall and that nothing else reads.
func TestPoolFirst(t *testing.T) {
	strides := func(s ...int64) map[string]*attr_value_go_proto.AttrValue {
		return map[string]*attr_value_go_proto.AttrValue{"strides": {Value: &attr_value_go_proto.AttrValue_List{
			List: &attr_value_go_proto.AttrValue_ListValue{I: s},
		}}}
	}
	leaky := func(alpha float32) map[string]*attr_value_go_proto.AttrValue {
		return map[string]*attr_value_go_proto.AttrValue{"alpha": {Value: &attr_value_go_proto.AttrValue_F{F: alpha}}}
	}
	image, half := []int64{1, 4, 4, 2}, []int64{1, 2, 2, 2}
	for name, test := range map[string]struct {
		c    *chain
		want string // the ops from the output back
	}{
		"relu":    {newChain(image...).then("Relu", nil, image).then("MaxPool", strides(1, 2, 2, 1), half), "Relu MaxPool"},
		"leaky":   {newChain(image...).then("LeakyRelu", leaky(0.1), image).then("MaxPool", strides(1, 2, 2, 1), half), "LeakyRelu MaxPool"},
		"falling": {newChain(image...).then("LeakyRelu", leaky(-1), image).then("MaxPool", strides(1, 2, 2, 1), half), "MaxPool LeakyRelu"},
		"as many": {newChain(image...).then("Relu", nil, image).then("MaxPool", strides(1, 1, 1, 1), image), "MaxPool Relu"},
		"average": {newChain(image...).then("Relu", nil, image).then("AvgPool", strides(1, 2, 2, 1), half), "AvgPool Relu"},
		"then more": {
			newChain(image...).then("Relu6", nil, image).then("MaxPool", strides(1, 2, 2, 1), half).then("Neg", nil, half), "Neg Relu6 MaxPool",
		},
	} {
		got := ops(t, test.c.graph)
		if got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	c := newChain(image...).then("Relu", nil, image)
	act := c.graph.Output
	c.then("MaxPool", strides(1, 2, 2, 1), half).then("Concat", nil, half, act)
	if got := ops(t, c.graph); got != "Concat MaxPool Relu" {
		t.Errorf("another reader: %s", got)
	}
}

// ops follows first inputs from the output of the rewritten graph to its input.
func ops(t *testing.T, g *Graph) string {
	t.Helper()
	g, err := g.PoolFirst()
	if err != nil {
		t.Fatal(err)
	}
	var path []string
	for n := g.Output.Node; n != g.Input; n = n.Inputs[0].Node {
		path = append(path, n.Op)
	}
	return fmt.Sprint(path)[1 : len(fmt.Sprint(path))-1]
}
