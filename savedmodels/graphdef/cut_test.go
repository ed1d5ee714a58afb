package graphdef

import (
	"slices"
	"testing"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
)

// TestCut has slices of a 2 x 3 x 5 tensor as Python writes them, and what numpy takes along the last axis.
func TestCut(t *testing.T) {
	e := newEditor(&Graph{}, "test")
	x := Tensor{&Node{Name: "x", Op: "Placeholder"}, 0}
	// masks are those of begin, end, ellipsis and shrink_axis.
	strided := func(begin, end, stride []int64, masks ...int) *Node {
		attr := map[string]*attr_value_go_proto.AttrValue{}
		for i, name := range []string{"begin_mask", "end_mask", "ellipsis_mask", "shrink_axis_mask"} {
			attr[name] = sizeAttr(masks[i])
		}
		return e.node("StridedSlice", attr, x, e.ints(begin...), e.ints(end...), e.ints(stride...)).Node
	}
	for _, test := range []struct {
		python       string
		n            *Node
		last         []int
		whole, other bool
	}{
		{"x[..., 1:]", strided([]int64{0, 1}, []int64{0, 0}, []int64{1, 1}, 0, 2, 1, 0), []int{1, 2, 3, 4}, false, true},
		{"x[:, :, -2]", strided([]int64{0, 0, -2}, []int64{0, 0, -1}, []int64{1, 1, 1}, 3, 3, 0, 4), []int{3}, false, true},
		{"x[:, :, ::-2]", strided([]int64{0, 0, 0}, []int64{0, 0, 0}, []int64{1, 1, -2}, 7, 7, 0, 0), []int{4, 2, 0}, false, true},
		{"x[:, 0]", strided([]int64{0, 0}, []int64{0, 1}, []int64{1, 1}, 1, 1, 0, 2), []int{0, 1, 2, 3, 4}, true, false},
		{"x[:, 1:]", strided([]int64{0, 1}, []int64{0, 0}, []int64{1, 1}, 1, 3, 0, 0), []int{0, 1, 2, 3, 4}, true, false},
		{"x[:]", strided([]int64{0}, []int64{0}, []int64{1}, 1, 1, 0, 0), []int{0, 1, 2, 3, 4}, true, true},
		{"tf.slice(x, [0, 0, 1], [-1, -1, 3])", e.node("Slice", nil, x, e.ints(0, 0, 1), e.ints(-1, -1, 3)).Node, []int{1, 2, 3}, false, true},
		{"tf.gather(x, [4, 0], axis=2)", e.gather(x, []int{4, 0}, 2).Node, []int{4, 0}, false, true},
		{"tf.gather(x, [1, 0], axis=0)", e.gather(x, []int{1, 0}, 0).Node, []int{0, 1, 2, 3, 4}, true, false},
	} {
		c, ok := cutOf(test.n, []int64{2, 3, 5})
		if !ok || !slices.Equal(c.last, test.last) || c.lastWhole != test.whole || c.othersWhole != test.other {
			t.Errorf("%s: %+v %v", test.python, c, ok)
		}
	}
}
