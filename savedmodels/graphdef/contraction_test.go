package graphdef

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	tf "github.com/wamuir/graft/tensorflow"
)

// runs computes a chain's output in TensorFlow for an image and weights.
func (c *chain) runs(t *testing.T, g *Graph, image []float32) []float32 {
	t.Helper()
	def, err := g.Def()
	if err != nil {
		t.Fatal(err)
	}
	graph := tf.NewGraph()
	feeds := map[tf.Output]*tf.Tensor{}
	options := tf.GraphImportOptions{}
	feed := func(n *Node, values []float32, shape []int64) {
		x, err := graph.AddOperation(tf.OpSpec{
			Type: "Placeholder", Name: "feed/" + n.Name, Attrs: map[string]any{"dtype": tf.Float, "shape": tf.MakeShape(shape...)},
		})
		if err != nil {
			t.Fatal(err)
		}
		v, err := tf.NewTensor(values)
		if err == nil {
			err = v.Reshape(shape)
		}
		if err != nil {
			t.Fatal(err)
		}
		feeds[x.Output(0)] = v
		options.AddInputMapping(n.Name, 0, x.Output(0))
	}
	feed(g.Input, image, c.shapes[Tensor{c.graph.Input, 0}])
	for i, n := range g.Variables {
		feed(n, c.floats[n.Variable.Position], c.graph.Variables[i].Variable.Shape)
	}
	if err := graph.ImportWithOptions(def, options); err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(graph, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	flat, err := graph.AddOperation(tf.OpSpec{Type: "Reshape", Name: "flat", Input: []tf.Input{
		graph.Operation(g.Output.Node.Name).Output(0), constantOf(t, graph, []int32{-1}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := session.Run(feeds, []tf.Output{flat.Output(0)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out[0].Value().([]float32)
}

func constantOf(t *testing.T, g *tf.Graph, value any) tf.Output {
	t.Helper()
	v, err := tf.NewTensor(value)
	if err != nil {
		t.Fatal(err)
	}
	op, err := g.AddOperation(tf.OpSpec{Type: "Const", Name: "shape", Attrs: map[string]any{"value": v, "dtype": v.DataType()}})
	if err != nil {
		t.Fatal(err)
	}
	return op.Output(0)
}

// drawn are small whole numbers, whose products float32 adds up without rounding.
func drawn(shape []int64) []float32 {
	r := rand.New(rand.NewPCG(uint64(len(shape)), 1))
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(r.IntN(9) - 4)
	}
	return values
}

// same compares a rewritten chain's values with those of the chain itself, all in TensorFlow.
func (c *chain) same(t *testing.T, rewritten *Graph) {
	t.Helper()
	image := drawn(c.shapes[Tensor{c.graph.Input, 0}])
	want, got := c.runs(t, c.graph, image), c.runs(t, rewritten, image)
	if fmt.Sprint(want) != fmt.Sprint(got) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestContractions compares contractions, written as products, with TensorFlow's Einsum, and counts the operations.
func TestContractions(t *testing.T) {
	sizes := map[rune]int64{'a': 2, 'b': 3, 'c': 4, 'd': 5, 'e': 2, 'f': 3}
	shape := func(labels string) []int64 {
		s := []int64{}
		for _, l := range labels {
			s = append(s, sizes[l])
		}
		return s
	}
	for equation, want := range map[string]struct {
		product    string // "": it stays an Einsum
		transposed int
	}{
		// Keras: scores and values of attention; projections.
		"adbe,acbe->abcd": {"BatchMatMulV2", 2},
		"abcd,adbe->acbe": {"BatchMatMulV2", 2},
		"abc,cde->abde":   {"MatMul", 0},
		"acde,deb->acb":   {"MatMul", 0},
		// Others: rows and columns in other places, several of each, none.
		"abc,acd->abd":     {"BatchMatMulV2", 0},
		"abc,adc->abd":     {"BatchMatMulV2", 0},
		"acb,acd->abd":     {"BatchMatMulV2", 0},
		"acb,acd->adb":     {"BatchMatMulV2", 0},
		"abcd,aecd->abe":   {"BatchMatMulV2", 0},
		"abcd,adfe->abcfe": {"BatchMatMulV2", 0},
		"abc,abc->abc":     {"BatchMatMulV2", 0},
		"abc,abc->ab":      {"BatchMatMulV2", 0},
		"ab,cd->adcb":      {"MatMul", 2},
		"ab,ba->":          {"MatMul", 1},
		"abc,d->abcd":      {"MatMul", 0},
		// Sums of one operand, axes on a diagonal, and an ellipsis.
		"abc,bd->ad":    {"", 0},
		"aab,b->ab":     {"", 0},
		"...b,bc->...c": {"", 0},
	} {
		t.Run(equation, func(t *testing.T) {
			left, right, _ := strings.Cut(equation, "->")
			a, b, _ := strings.Cut(left, ",")
			first := shape(strings.Replace(a, "...", "a", 1))
			c := newChain(first...)
			weight := c.weight(drawn(shape(b)), shape(b)...)
			c.then("Einsum", map[string]*attr_value_go_proto.AttrValue{"equation": text(equation), "N": sizeAttr(2)},
				shape(strings.Replace(right, "...", "a", 1)), weight)
			made, err := c.graph.Products(c.Shape)
			if err != nil {
				t.Fatal(err)
			}
			counts := made.Histogram()
			if want.product == "" {
				if counts["Einsum"] != 1 || len(counts) != 1 {
					t.Errorf("left: %v", counts)
				}
				return
			}
			if counts["Einsum"] != 0 || counts[want.product] != 1 || counts["Transpose"] != want.transposed {
				t.Errorf("left: %v", counts)
			}
			if c.graph.Output.Node.Op != "Einsum" {
				t.Error("the original has changed")
			}
			c.same(t, made)
		})
	}
}

// TestRowsOfOneMatrix: many matrices times one are one product, unless they are turned or the other is many too.
func TestRowsOfOneMatrix(t *testing.T) {
	type flags struct{ x, y bool }
	for _, test := range []struct {
		a, b, out []int64
		turned    flags
		op        string
	}{
		{[]int64{2, 3, 4}, []int64{4, 5}, []int64{2, 3, 5}, flags{}, "MatMul"},
		{[]int64{2, 3, 4}, []int64{5, 4}, []int64{2, 3, 5}, flags{y: true}, "MatMul"},
		{[]int64{2, 2, 3, 4}, []int64{4, 5}, []int64{2, 2, 3, 5}, flags{}, "MatMul"},
		{[]int64{2, 4, 3}, []int64{4, 5}, []int64{2, 3, 5}, flags{x: true}, "BatchMatMulV2"},
		{[]int64{2, 3, 4}, []int64{2, 4, 5}, []int64{2, 3, 5}, flags{}, "BatchMatMulV2"},
		{[]int64{3, 4}, []int64{4, 5}, []int64{3, 5}, flags{}, "BatchMatMulV2"},
	} {
		c := newChain(test.a...)
		weight := c.weight(drawn(test.b), test.b...)
		c.then("BatchMatMulV2", map[string]*attr_value_go_proto.AttrValue{
			"adj_x": boolAttr(test.turned.x), "adj_y": boolAttr(test.turned.y),
		}, test.out, weight)
		made, err := c.graph.Products(c.Shape)
		if err != nil {
			t.Fatal(err)
		}
		if made.Histogram()[test.op] != 1 {
			t.Errorf("%v times %v: %v, want %s", test.a, test.b, made.Histogram(), test.op)
		}
		c.same(t, made)
		for _, n := range c.graph.Nodes {
			if n.Attr["T"] != nil {
				n.Attr["T"] = typeAttr(types_go_proto.DataType_DT_HALF)
			}
		}
		if half, err := c.graph.Products(c.Shape); err != nil || half.Histogram()["BatchMatMulV2"] != 1 {
			t.Errorf("16 bits: %v, %v", half.Histogram(), err)
		}
	}
}

// TestCentre: x*s + (b - m*s) becomes (x-m)*s + b whatever the order of factors and summands, and stays where a part has another
// reader or the factors differ.
func TestCentre(t *testing.T) {
	rows := []int64{2, 3}
	type part = func(c *chain, op string, a, b Tensor) Tensor
	for name, test := range map[string]struct {
		build   func(c *chain, x, s, b Tensor, add part) Tensor
		centred bool
	}{
		"as TensorFlow writes it": {func(c *chain, x, s, b Tensor, add part) Tensor {
			return add(c, "AddV2", add(c, "Mul", x, s), add(c, "Sub", b, add(c, "Mul", add(c, "AddV2", x, b), s)))
		}, true},
		"the other way round": {func(c *chain, x, s, b Tensor, add part) Tensor {
			return add(c, "Add", add(c, "Sub", b, add(c, "Mul", s, add(c, "AddV2", x, b))), add(c, "Mul", s, x))
		}, true},
		"of another scale": {func(c *chain, x, s, b Tensor, add part) Tensor {
			return add(c, "AddV2", add(c, "Mul", x, s), add(c, "Sub", b, add(c, "Mul", add(c, "AddV2", x, b), b)))
		}, false},
		"read elsewhere": {func(c *chain, x, s, b Tensor, add part) Tensor {
			product := add(c, "Mul", x, s)
			sum := add(c, "AddV2", product, add(c, "Sub", b, add(c, "Mul", add(c, "AddV2", x, b), s)))
			return add(c, "AddV2", sum, product)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChain(rows...)
			x := c.graph.Output
			s, b := c.weight([]float32{2, -1, 3}, 3), c.weight([]float32{5, 1, 4}, 1, 3)
			c.graph.Output = test.build(c, x, s, b, func(c *chain, op string, p, q Tensor) Tensor {
				made := c.add(op, f32, p, q)
				c.of(made, rows...)
				return made
			})
			made, err := c.graph.Centre()
			if err != nil {
				t.Fatal(err)
			}
			if got := made.Histogram()["Mul"] < c.graph.Histogram()["Mul"]; got != test.centred {
				t.Errorf("centred %v, want %v: %v", got, test.centred, made.Histogram())
			}
			c.same(t, made)
		})
	}
	c := newChain(rows...)
	c.then("SquaredDifference", nil, rows, c.weight([]float32{2, -1, 3}, 3))
	made, err := c.graph.Centre()
	if err != nil || made.Output.Node.Op != "Square" {
		t.Errorf("%v, %v", made.Histogram(), err)
	}
	c.same(t, made)
}
