package graphdef

import (
	"maps"
	"strings"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
)

// matrixProduct is a product of matrices, of which either or both depend on the image.
func matrixProduct(c *calls, n *Node) bool {
	lanes, shapes, ok := c.lanes(n)
	if !ok || len(lanes) != 2 {
		return false
	}
	a, b := lanes[0], lanes[1]
	if n.Op == "MatMul" && b == nil && !n.Attr["transpose_a"].GetB() {
		c.as(n, true, c.made(n, c.merged(a), c.fixed(n.Inputs[1])), 1)
		return true
	}
	if n.Op != "MatMul" && b == nil && len(shapes[1]) == 2 && len(shapes[0]) > 2 && n.Op != "BatchMatMul" {
		c.as(n, true, c.made(n, c.merged(a), c.fixed(n.Inputs[1])), 1)
		return true
	}
	rank := max(len(shapes[0]), len(shapes[1]))
	inputs := make([]Tensor, 2)
	for i, l := range lanes {
		if inputs[i] = c.fixed(n.Inputs[i]); l != nil {
			inputs[i] = c.aligned(n, l, rank)
		}
	}
	added := c.made(n, inputs...)
	added.Op = "BatchMatMulV2"
	added.Attr = map[string]*attr_value_go_proto.AttrValue{"T": n.Attr["T"], "adj_x": n.Attr["adj_x"], "adj_y": n.Attr["adj_y"]}
	if n.Op == "MatMul" {
		added.Attr["adj_x"], added.Attr["adj_y"] = n.Attr["transpose_a"], n.Attr["transpose_b"]
	}
	maps.DeleteFunc(added.Attr, func(_ string, v *attr_value_go_proto.AttrValue) bool { return v == nil })
	c.as(n, false, added, 1)
	return true
}

// einsum gives the calls a letter of their own.
func einsum(c *calls, n *Node) bool {
	equation := strings.ReplaceAll(string(n.Attr["equation"].GetS()), " ", "")
	operands, result, ok := strings.Cut(equation, "->")
	terms := strings.Split(operands, ",")
	if !ok || strings.Contains(equation, ".") || len(terms) != len(n.Inputs) {
		return false
	}
	letters := "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	free := strings.IndexFunc(letters, func(r rune) bool { return !strings.ContainsRune(equation, r) })
	if free < 0 {
		return false
	}
	letter := letters[free : free+1]
	inputs := make([]Tensor, len(terms))
	for i, in := range n.Inputs {
		if l := c.done[in]; l == nil {
			inputs[i] = c.fixed(in)
		} else {
			inputs[i] = c.split(l)
			terms[i] = letter + terms[i]
		}
	}
	added := c.made(n, inputs...)
	added.Attr = maps.Clone(n.Attr)
	text := strings.Join(terms, ",") + "->" + letter + result
	added.Attr["equation"] = &attr_value_go_proto.AttrValue{Value: &attr_value_go_proto.AttrValue_S{S: []byte(text)}}
	c.as(n, false, added, 1)
	return true
}
