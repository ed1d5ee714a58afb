package graphdef

import (
	"maps"
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// moves are the ops that a type passes through unchanged: attribute "T" is that of input and output, or moveType's.
var moves = []string{
	"Reshape", "Squeeze", "ExpandDims", "Transpose", "Slice", "StridedSlice", "Pad", "Reverse", "ReverseV2", "Roll", "Split",
	"Unpack", "StopGradient", "MirrorPad", "Tile", "BroadcastTo", "GatherV2", "ResizeNearestNeighbor",
	"SpaceToDepth", "DepthToSpace",
}

func moveType(op string) string {
	if op == "GatherV2" {
		return "Tparams"
	}
	return "T"
}

// joins put several tensors together, which must all have passed.
var joins = []string{"ConcatV2", "Pack"}

// allSoft says whether all tensors that a join puts together have become float32.
func allSoft(n *Node, soft map[*Node]bool) bool {
	count := len(n.Inputs)
	if n.Op == "ConcatV2" {
		count-- // the axis
	}
	for _, in := range n.Inputs[:max(count, 0)] {
		if !soft[in.Node] {
			return false
		}
	}
	return true
}

// resizes take any number type and give float32.
var resizes = []string{"ResizeBilinear", "ResizeBicubic", "ResizeArea"}

// Relax lets float32 pixels into a network that takes integers: on the way from the input to the casts to a floating type, the
// type becomes float32, since a cast to an integer has no gradient. For whole numbers nothing changes. blocked is the first
// node on the way that does more than move the pixels, nil if there is none.
func (g *Graph) Relax() (relaxed *Graph, blocked *Node, err error) {
	out := g.clone()
	float := typeAttr(types_go_proto.DataType_DT_FLOAT)
	soft := map[*Node]bool{out.Input: true}
	redirect := map[*Node]Tensor{}
	for _, n := range out.Nodes {
		fromSoft := false
		for i, in := range n.Inputs {
			if to, ok := redirect[in.Node]; ok {
				n.Inputs[i] = to
			}
			fromSoft = fromSoft || soft[in.Node]
		}
		if !fromSoft {
			continue
		}
		attr := maps.Clone(n.Attr)
		switch {
		case n.Op == "Shape" || n.Op == "Size" || n.Op == "Rank":
			attr["T"] = float
		case n.Op == "Cast" && floating(n.Attr["DstT"].GetType()):
			attr["SrcT"] = float
			if n.Attr["DstT"].GetType() == types_go_proto.DataType_DT_FLOAT {
				redirect[n] = n.Inputs[0]
			}
		case slices.Contains(moves, n.Op) && soft[n.Inputs[0].Node]:
			attr[moveType(n.Op)] = float
			soft[n] = true
		case slices.Contains(joins, n.Op) && allSoft(n, soft):
			attr["T"] = float
			soft[n] = true
		case slices.Contains(resizes, n.Op):
			attr["T"] = float
		default:
			return nil, n, nil
		}
		n.Attr = attr
	}
	if to, ok := redirect[out.Output.Node]; ok {
		out.Output = to
	}
	relaxed, err = newGraph(out.Output, out.Input, out.versions)
	return relaxed, nil, err
}

func floating(t types_go_proto.DataType) bool {
	switch t {
	case types_go_proto.DataType_DT_FLOAT, types_go_proto.DataType_DT_DOUBLE, types_go_proto.DataType_DT_HALF, types_go_proto.DataType_DT_BFLOAT16:
		return true
	}
	return false
}
