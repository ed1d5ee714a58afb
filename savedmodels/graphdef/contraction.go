package graphdef

import (
	"slices"
	"strings"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// Products returns the graph with what is a product of matrices written as one, as far as shapeOf knows the static shapes (nil: it does
// not): an Einsum of two operands as transpositions around a MatMul or BatchMatMulV2, many matrices times the same one as one MatMul.
// Derivatives of all orders then share the transpositions, of which an Einsum makes its own. Values change by rounding alone; all that
// is neither float32 nor float64 stays as it is.
func (g *Graph) Products(shapeOf func(Tensor) []int64) (*Graph, error) {
	out := g.clone()
	e := newEditor(g, "product")
	redirect := redirects{}
	for i, n := range out.Nodes {
		redirect.inputs(n)
		if len(n.Inputs) != 2 {
			continue
		}
		// shapeOf knows the original's nodes.
		original := g.Nodes[i]
		a, b := shapeOf(original.Inputs[0]), shapeOf(original.Inputs[1])
		p := products{e, n.Attr["T"].GetType()}
		if a == nil || b == nil || p.dtype != f32 && p.dtype != types_go_proto.DataType_DT_DOUBLE {
			continue
		}
		var made Tensor
		ok := false
		switch n.Op {
		case "Einsum":
			made, ok = p.contraction(n, a, b)
		case "BatchMatMulV2":
			made, ok = p.rows(n, a, b)
		}
		if ok {
			redirect[Tensor{n, 0}] = made
		}
	}
	out.Output = redirect.of(out.Output)
	return newGraph(out.Output, out.Input, out.versions)
}

// products writes products of matrices of one type.
type products struct {
	*editor
	dtype types_go_proto.DataType
}

func (p products) product(op string, a, b Tensor, turnA, turnB bool) Tensor {
	flags := [2]string{"adj_x", "adj_y"}
	if op == "MatMul" {
		flags = [2]string{"transpose_a", "transpose_b"}
	}
	return p.node(op, map[string]*attr_value_go_proto.AttrValue{
		"T": typeAttr(p.dtype), flags[0]: boolAttr(turnA), flags[1]: boolAttr(turnB),
	}, a, b)
}

func (p products) reshape(t Tensor, shape []int64) Tensor {
	return p.node("Reshape", map[string]*attr_value_go_proto.AttrValue{
		"T": typeAttr(p.dtype), "Tshape": typeAttr(types_go_proto.DataType_DT_INT32),
	}, t, p.ints(shape...))
}

// rows is a product of matrices, each with the same matrix: that of all their rows.
func (p products) rows(n *Node, a, b []int64) (Tensor, bool) {
	if len(a) < 3 || len(b) != 2 || n.Attr["adj_x"].GetB() {
		return Tensor{}, false
	}
	turned := n.Attr["adj_y"].GetB()
	columns := b[1]
	if turned {
		columns = b[0]
	}
	flat := p.reshape(n.Inputs[0], []int64{-1, a[len(a)-1]})
	made := p.product("MatMul", flat, n.Inputs[1], false, turned)
	return p.reshape(made, append(slices.Clone(a[:len(a)-1]), columns)), true
}

// axes are the labels of an operand or a result of a contraction, one for each axis.
type axes string

// in are the labels that the others have too, and without those that they lack.
func (a axes) in(b axes) axes {
	return a.filter(func(l rune) bool { return strings.ContainsRune(string(b), l) })
}
func (a axes) without(b axes) axes {
	return a.filter(func(l rune) bool { return !strings.ContainsRune(string(b), l) })
}

func (a axes) filter(keep func(rune) bool) axes {
	return axes(strings.Map(func(l rune) rune {
		if keep(l) {
			return l
		}
		return -1
	}, string(a)))
}

// contraction writes an Einsum with a product for each choice of the labels that both operands and the result have. Labels that
// one operand alone has, or that stand for several sizes, and an ellipsis are left to Einsum.
func (p products) contraction(n *Node, a, b []int64) (Tensor, bool) {
	left, result, _ := strings.Cut(strings.ReplaceAll(string(n.Attr["equation"].GetS()), " ", ""), "->")
	first, second, _ := strings.Cut(left, ",")
	x, y, z := axes(first), axes(second), axes(result)
	sizes := map[rune]int64{}
	if !x.sized(a, sizes) || !y.sized(b, sizes) || x.without(y).without(z) != "" || y.without(x).without(z) != "" || len(z) != len(z.in(x+y)) {
		return Tensor{}, false
	}
	batch, summed := z.in(x).in(y), x.in(y).without(z)
	u, v := n.Inputs[0], n.Inputs[1]
	if rest := z.without(batch); rest != "" && !strings.Contains(string(x), string(rest[:1])) {
		x, y, u, v = y, x, v, u // whose labels come first in the result
	}
	rows, columns := z.in(x).without(batch), z.in(y).without(batch)
	u, turnedX := p.matrices(u, x, batch, rows, summed, sizes)
	v, turnedY := p.matrices(v, y, batch, summed, columns, sizes)
	op := "BatchMatMulV2"
	if batch == "" {
		op = "MatMul"
	}
	made := batch + rows + columns
	return p.turn(p.reshape(p.product(op, u, v, turnedX, turnedY), made.shape(sizes)), made, z), true
}

// sized notes the sizes of labels. It is false for labels that are no letters, occur twice or have another size already.
func (a axes) sized(shape []int64, sizes map[rune]int64) bool {
	if len(a) != len(shape) {
		return false
	}
	for i, l := range a {
		if known, ok := sizes[l]; ok && known != shape[i] || l == '.' || strings.ContainsRune(string(a[i+1:]), l) {
			return false
		}
		sizes[l] = shape[i]
	}
	return true
}

func (a axes) shape(sizes map[rune]int64) []int64 {
	shape := []int64{}
	for _, l := range a {
		shape = append(shape, sizes[l])
	}
	return shape
}

func (a axes) elements(sizes map[rune]int64) int64 {
	n := int64(1)
	for _, size := range a.shape(sizes) {
		n *= size
	}
	return n
}

// matrices are those of the given rows and columns, or the other way round (turned) where the operand has its labels in that order.
func (p products) matrices(t Tensor, have, batch, rows, columns axes, sizes map[rune]int64) (matrices Tensor, turned bool) {
	turned = have.without(batch) == columns+rows && rows != ""
	if turned {
		rows, columns = columns, rows
	}
	want := batch + rows + columns
	shape := append(batch.shape(sizes), rows.elements(sizes), columns.elements(sizes))
	return p.reshape(p.turn(t, have, want), shape), turned
}

// turn transposes a tensor.
func (p products) turn(t Tensor, have, want axes) Tensor {
	if have == want {
		return t
	}
	order := make([]int64, len(want))
	for i, l := range want {
		order[i] = int64(strings.IndexRune(string(have), l))
	}
	return p.node("Transpose", map[string]*attr_value_go_proto.AttrValue{
		"T": typeAttr(p.dtype), "Tperm": typeAttr(types_go_proto.DataType_DT_INT32),
	}, t, p.ints(order...))
}
