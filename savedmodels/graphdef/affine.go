package graphdef

import "slices"

// affine reports whether the last op that is not a move or a factor is a sum of products.
func (a *headFinder) affine(t Tensor, depth int) bool {
	known, seen := a.affines[t]
	if !seen {
		known = a.isAffine(t, depth)
		a.affines[t] = known
	}
	return known
}

func (a *headFinder) isAffine(t Tensor, depth int) bool {
	n := t.Node
	if depth == 0 || len(n.Inputs) == 0 {
		return false
	}
	switch n.Op {
	case "MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum", "Conv2D", "DepthwiseConv2dNative":
		// A product with probabilities may be probabilities.
		_, probabilities := a.find(n.Inputs[0], depth-1)
		return !probabilities
	case "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3":
		return true
	case "Cast", "Reshape", "Squeeze", "ExpandDims", "Transpose", "BiasAdd", "Neg", "Mean", "Sum", "Slice", "StridedSlice", "GatherV2":
		return a.affine(n.Inputs[0], depth-1)
	case "Add", "AddV2", "Sub", "ConcatV2", "AddN", "Pack", "Select", "SelectV2":
		return slices.ContainsFunc(n.Inputs, func(in Tensor) bool { return a.affine(in, depth-1) })
	case "Mul", "RealDiv", "Div":
		for i := range 2 {
			if in := n.Inputs[1-i].Node; in.Op == "Const" || in.Variable != nil {
				return a.affine(n.Inputs[i], depth-1)
			}
		}
	}
	return false
}
