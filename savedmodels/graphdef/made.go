package graphdef

import "math"

// makers are the ops whose output may be any size, whatever the size of their inputs: how many elements they make (Tile: at
// least) from the constants at the given inputs. TensorFlow evaluates constants while it imports a graph, so a few bytes of
// file could otherwise ask for all of the memory.
var makers = map[string]struct {
	inputs []int
	size   func(v [][]float64) float64
}{
	"Fill":        {[]int{0}, func(v [][]float64) float64 { return product(v[0]) }},
	"BroadcastTo": {[]int{1}, func(v [][]float64) float64 { return product(v[0]) }},
	"Tile":        {[]int{1}, func(v [][]float64) float64 { return product(v[0]) }},
	"OneHot":      {[]int{1}, func(v [][]float64) float64 { return product(v[0]) }},
	"LinSpace":    {[]int{2}, func(v [][]float64) float64 { return product(v[0]) }},
	"Range":       {[]int{0, 1, 2}, func(v [][]float64) float64 { return math.Abs((v[1][0] - v[0][0]) / v[2][0]) }},
	"Pad":         {[]int{1}, padding},
	"PadV2":       {[]int{1}, padding},
}

// made is how many elements a node makes, as far as constants tell.
func (in *inliner) made(n *Node) (size float64, known bool) {
	maker, ok := makers[n.Op]
	if !ok {
		return 0, false
	}
	var constants [][]float64
	for _, i := range maker.inputs {
		if i >= len(n.Inputs) {
			return 0, false
		}
		v, known := in.folder.fold(n.Inputs[i])
		if !known || len(v) == 0 {
			return 0, false
		}
		constants = append(constants, v)
	}
	return maker.size(constants), true
}

func product(v []float64) float64 {
	p := 1.0
	for _, x := range v {
		p *= x
	}
	return p
}

// padding is the product of what is added at each dimension, a lower bound of the result's size.
func padding(v [][]float64) float64 {
	p := 1.0
	for i := 0; i+1 < len(v[0]); i += 2 {
		p *= 1 + v[0][i] + v[0][i+1]
	}
	return p
}
