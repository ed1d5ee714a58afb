package graphdef

import (
	"slices"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// chooseScores picks from several outputs the one that holds class scores: floats, a row for each image. Names, class numbers, the
// best few and single numbers are none. Of logits and their own probabilities it takes the probabilities: both lead to the same
// logits. ok is false where more than one output is left, or none.
func (m *SavedModel) chooseScores(s Signature, in Argument) (chosen Argument, ok bool) {
	floats := slices.DeleteFunc(slices.Clone(s.Outputs), func(a Argument) bool {
		return !floating(a.DType) || a.Shape != nil && len(a.Shape) == 0
	})
	rows := slices.DeleteFunc(slices.Clone(floats), func(a Argument) bool {
		return a.Shape != nil && (len(a.Shape) == 1 || a.Shape[len(a.Shape)-1] == 1)
	})
	candidates := rows
	if len(rows) == 0 {
		candidates = floats
	}
	if len(candidates) < 2 {
		return slices.Concat(candidates, []Argument{{}})[0], len(candidates) == 1
	}
	type end struct {
		kind string // the op that makes probabilities, "" for logits
		root string // what they are made of
	}
	var ends []end
	var left []Argument
	for _, a := range candidates {
		g, err := m.flatten(s, in, a, nil)
		if err != nil {
			left, ends = append(left, a), append(ends, end{root: a.Name})
			continue
		}
		t := unmoved(g.Output)
		e := end{root: t.Name()}
		switch t.Node.Op {
		case "TopK", "TopKV2", "ApproxTopK", "ArgMax", "ArgMin":
			continue
		case "Max", "Min":
			if len(rows) == 0 {
				continue
			}
		case "Softmax", "LogSoftmax", "Sigmoid":
			e = end{t.Node.Op, unmoved(t.Node.Inputs[0]).Name()}
		}
		left, ends = append(left, a), append(ends, e)
	}
	best := -1
	for i, e := range ends {
		switch {
		case e.root != ends[0].root:
			return Argument{}, false
		case best < 0 || ends[best].kind == "" || ends[best].kind == "LogSoftmax" && e.kind == "Softmax":
			best = i
		case e.kind != "" && e.kind != ends[best].kind && !(e.kind == "LogSoftmax" && ends[best].kind == "Softmax"):
			return Argument{}, false
		}
	}
	if best < 0 {
		return Argument{}, false
	}
	return left[best], true
}

// unmoved goes back over casts and reshapes.
func unmoved(t Tensor) Tensor {
	for slices.Contains([]string{"Cast", "Reshape", "Squeeze", "ExpandDims"}, t.Node.Op) && t.Index == 0 && len(t.Node.Inputs) > 0 &&
		(t.Node.Op != "Cast" || floating(t.Node.Attr["DstT"].GetType()) && floating(castFrom(t.Node))) {
		t = t.Node.Inputs[0]
	}
	return t
}

// castFrom is the type that a cast starts from.
func castFrom(n *Node) types_go_proto.DataType { return n.Attr["SrcT"].GetType() }
