package graphdef

import (
	"testing"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// TestSmoothBends: the two bends of Relu6 share their operations from where on each is over before the other begins.
func TestSmoothBends(t *testing.T) {
	for beta, sigmoids := range map[float64]int{0.1: 4, 5.99: 4, 6: 2, 1e4: 2} {
		smooth, _ := newChain(2, 3).then("Relu6", nil, []int64{2, 3}).graph.Smooth(beta)
		counts := smooth.Histogram()
		if counts["Sigmoid"] != sigmoids || counts["Log"] != sigmoids/2 || counts["IdentityN"] != map[int]int{4: 1, 2: 2}[sigmoids] {
			t.Errorf("beta %g: %v", beta, counts)
		}
	}
}

// TestSmoothTypes: float32 and float64 get a node that gives the slope, 16-bit floats, for whose range the formula is too large, TensorFlow's
// Softplus, from which the derivative follows.
func TestSmoothTypes(t *testing.T) {
	for dtype, given := range map[types_go_proto.DataType]bool{
		f32: true, types_go_proto.DataType_DT_DOUBLE: true,
		types_go_proto.DataType_DT_HALF: false, types_go_proto.DataType_DT_BFLOAT16: false,
	} {
		for op, bends := range map[string]int{"Relu": 1, "Relu6": 2, "LeakyRelu": 1} {
			c := newChain(2, 3).then(op, nil, []int64{2, 3})
			c.graph.Output.Node.Attr["T"] = typeAttr(dtype)
			smooth, replaced := c.graph.Smooth(5)
			counts, out := smooth.Histogram(), smooth.Output.Node
			if replaced != 1 || counts[op] != 0 || c.graph.Histogram()[op] != 1 {
				t.Errorf("%v %s: %d replaced, %v", dtype, op, replaced, counts)
			}
			if given && (counts["Softplus"] != 0 || counts["Sigmoid"] != 2*bends || out.Op != "IdentityN" || len(out.Inputs) != 3 ||
				string(out.Attr[GradientOf].GetS()) != SlopeGiven || out.Inputs[1].Node != smooth.Input) {
				t.Errorf("%v %s: %v, ends in %s", dtype, op, counts, out.Op)
			}
			if !given && (counts["Softplus"] != bends || counts["Sigmoid"] != 0 || counts["IdentityN"] != 0) {
				t.Errorf("%v %s: %v", dtype, op, counts)
			}
		}
	}
}
