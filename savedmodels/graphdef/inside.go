package graphdef

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"

	"upi/savedmodels/tensors"
)

// Inside looks for the node at a path such as "StatefulPartitionedCall/decoded": the names of the calls that lead to its
// function, and its own. Its first output may then take the images in place of an input of the signature, which is for models
// that take encoded files.
func (m *SavedModel) Inside(path string) (Argument, bool) {
	n := m.inside(m.main, path, 0)
	if n == nil {
		return Argument{}, false
	}
	return insideArgument(path, n), true
}

func (m *SavedModel) inside(b *body, path string, depth int) *node_def_go_proto.NodeDef {
	if i, ok := b.index[path]; ok {
		return b.nodes[i]
	}
	// A name may itself hold a slash, so each call whose name begins the path may be on the way.
	for at := strings.IndexByte(path, '/'); at >= 0 && depth < maxDepth; {
		if i, ok := b.index[path[:at]]; ok {
			if function, err := m.body(b.nodes[i].GetAttr()["f"].GetFunc().GetName()); err == nil {
				if n := m.inside(function, path[at+1:], depth+1); n != nil {
					return n
				}
			}
		}
		next := strings.IndexByte(path[at+1:], '/')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return nil
}

func insideArgument(path string, n *node_def_go_proto.NodeDef) Argument {
	a := Argument{Name: path, Inside: true}
	for _, name := range []string{"DstT", "dtype", "element_dtype", "T"} {
		if t := n.GetAttr()[name].GetType(); t != 0 {
			a.DType = t
			break
		}
	}
	if shapes := n.GetAttr()["_output_shapes"].GetList().GetShape(); len(shapes) > 0 && !shapes[0].GetUnknownRank() {
		a.Shape = tensors.Shape(shapes[0])
	}
	return a
}

// mostCandidates bounds the list in an error.
const mostCandidates = 5

// decoded lists tensors on the way to a signature's outputs that could take images in place of encoded files: those of four axes,
// of which the first is open and the last is one, three or four channels, and those that tf.map_fn stacks.
func (m *SavedModel) decoded(s Signature) []string {
	var found []string
	seen := 0
	add := func(path string, n *node_def_go_proto.NodeDef) (goOn bool) {
		a := insideArgument(path, n)
		stacked := n.GetOp() == "TensorListStack" || n.GetOp() == "TensorArrayGatherV3"
		pixels := floating(a.DType) || a.DType == types_go_proto.DataType_DT_UINT8
		images := slices.Contains(prepares, n.GetOp()) && len(a.Shape) == 4 && a.Shape[0] < 0 && slices.Contains([]int64{1, 3, 4}, a.Shape[3])
		if pixels && (images || stacked) {
			found = append(found, a.String())
		}
		seen++
		return seen < maxUnrolled && len(found) < mostCandidates
	}
	var outputs []string
	for _, out := range s.Outputs {
		outputs = append(outputs, out.Tensor)
	}
	order, err := m.main.sort(outputs)
	if err != nil { // a loop of TensorFlow 1 decodes the files
		order = nil
		for i := range m.main.nodes {
			order = append(order, i)
		}
	}
	m.walk(m.main, order, "", 0, add)
	return found
}

// walk calls visit for the nodes of a body and of the functions that it calls, producers first, until that is false.
func (m *SavedModel) walk(b *body, order []int, prefix string, depth int, visit func(path string, n *node_def_go_proto.NodeDef) bool) bool {
	for _, i := range order {
		n := b.nodes[i]
		path := prefix + n.GetName()
		if !visit(path, n) {
			return false
		}
		if f := n.GetAttr()["f"].GetFunc().GetName(); f != "" && depth < maxWalk {
			if function, err := m.body(f); err == nil && !m.walk(function, function.order, path+"/", depth+1, visit) {
				return false
			}
		}
	}
	return true
}

// prepares are ops that stand between encoded files and a network.
var prepares = strings.Fields("Identity Cast Reshape ExpandDims DecodeImage DecodeJpeg DecodePng ResizeBilinear ResizeBicubic ResizeArea")

// maxWalk bounds calls in calls on a walk. Those that Keras makes are three deep.
const maxWalk = 6

// encodedError is the error of an input of strings.
func (m *SavedModel) encodedError(s Signature, a Argument) error {
	such := ""
	if candidates := m.decoded(s); len(candidates) > 0 {
		such = ", such as " + strings.Join(candidates, ", ")
	}
	return fmt.Errorf("input %v takes encoded files, not pixels: name the tensor that they are decoded to in input.name%s",
		a, such)
}
