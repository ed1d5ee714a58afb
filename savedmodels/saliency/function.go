package saliency

import (
	"fmt"
	"maps"
	"slices"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// A Function makes a number per image of the map I(x) of the images of a batch and of the map R that the batch gives beside
// it, both H x W. It rises with what an attack is after.
type Function string

const (
	// Dissimilarity is ||I - R||_2; R is the clean map.
	Dissimilarity Function = "dissimilarity"
	// TopK is 1 - sum(I R); R is 1 at the most salient pixels of the clean map and 0 elsewhere.
	TopK Function = "top_k"
	// MassCenter is the L2 distance, in pixels, of the centres of mass of I and R; R is the clean map.
	MassCenter Function = "mass_center"
	// Region is sum(I R); R is 1 in a box and 0 elsewhere.
	Region Function = "region"
	// Target is -||I - R||_2; R is the map that I is to become.
	Target Function = "target"
)

// functions is the table of the functions: each adds its number, [B], of maps of shape [B, H*W] to the graph.
var functions = map[Function]func(n *network, mapped, reference tf.Output) tf.Output{
	Dissimilarity: (*network).distance,
	TopK: func(n *network, mapped, reference tf.Output) tf.Output {
		return n.Sub(n.float(1), n.overlap(mapped, reference))
	},
	MassCenter: func(n *network, mapped, reference tf.Output) tf.Output {
		return n.distance(n.center(mapped), n.center(reference))
	},
	Region: (*network).overlap,
	Target: func(n *network, mapped, reference tf.Output) tf.Output { return n.Neg(n.distance(mapped, reference)) },
}

// Functions lists the functions of maps.
func Functions() []Function { return slices.Sorted(maps.Keys(functions)) }

// name is what an error calls the function.
func (f Function) name() string {
	if f == Dissimilarity {
		return "the dissimilarity"
	}
	return "the objective " + string(f)
}

// of adds the function to the graph.
func (f Function) of(n *network, mapped, reference tf.Output) (tf.Output, error) {
	build, known := functions[f]
	if !known {
		return tf.Output{}, fmt.Errorf("there is no function %q of maps", f)
	}
	return build(n, mapped, reference), nil
}

// overlap returns sum(I R), [B].
func (n *network) overlap(mapped, reference tf.Output) tf.Output {
	return n.One("Sum", nil, n.Mul(mapped, reference), n.ints(1))
}

// center returns the centres of mass, rows and columns in pixels, [B, 2], of maps that sum up to 1.
func (n *network) center(mapped tf.Output) tf.Output {
	h, w := n.shape.Height, n.shape.Width
	rows, columns := make([]float32, h*w), make([]float32, h*w)
	for i := range rows {
		rows[i], columns[i] = float32(i/w), float32(i%w)
	}
	// Not a product of matrices, which a lower precision would round.
	return n.One("Pack", ops.Attrs{"axis": int64(1)}, tf.OutputList{
		n.overlap(mapped, n.Constant(rows)), n.overlap(mapped, n.Constant(columns)),
	})
}
