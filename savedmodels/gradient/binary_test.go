package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"
)

// broadcasts are pairs of shapes: equal, leading axes missing, axes of size 1 on
// either side, both at once, a scalar.
var broadcasts = []struct {
	name string
	a, b []int64
}{
	{"equal", []int64{2, 3}, []int64{2, 3}},
	{"right lower", []int64{2, 3}, []int64{3}},
	{"left lower", []int64{3}, []int64{2, 3}},
	{"right ones", []int64{2, 3, 2}, []int64{2, 1, 2}},
	{"both ones", []int64{2, 1}, []int64{1, 3}},
	{"lower and ones", []int64{2, 2, 3}, []int64{2, 1}},
	{"scalar", []int64{2, 2}, []int64{}},
}

func binaryExamples() []example {
	var list []example
	for _, b := range broadcasts {
		for _, op := range []string{"Add", "AddV2", "Sub", "Mul", "MulNoNan", "Div", "RealDiv", "DivNoNan", "FloorMod", "Maximum", "Minimum", "SquaredDifference"} {
			list = append(list, example{op: op, name: b.name, in: []input{around0(b.a...), around0(b.b...)}, f: of(op, nil)})
		}
		list = append(list,
			example{op: "Pow", name: b.name, in: []input{positive(b.a...), around0(b.b...)}, f: of("Pow", nil)},
			example{op: "SelectV2", name: b.name, in: []input{around0(b.a...), around0(b.b...)}, f: func(s *scope, x []tf.Output) tf.Output {
				return s.One("SelectV2", nil, s.Constant([]bool{true}), x[0], x[1])
			}},
			example{op: "SelectV2", name: b.name + " compared", in: []input{around0(b.a...), around0(b.b...)}, f: func(s *scope, x []tf.Output) tf.Output {
				return s.One("SelectV2", nil, s.One("Less", nil, x[0], x[1]), x[0], x[1])
			}},
		)
	}
	for _, k := range []float64{0.5, 1, 2, 3, 4, -1} {
		list = append(list, example{op: "Pow", name: "constant exponent", in: []input{positive(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.Add(s.One("Pow", nil, x[0], s.Constant(k)), s.One("Pow", nil, x[0], s.Constant(0.)))
		}})
	}
	return append(list,
		example{op: "Pow", name: "variable base at even powers", in: []input{around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("Pow", nil, x[0], s.reals([]float64{0, 1, 2}, 3))
		}},
		example{op: "AddN", name: "three", in: []input{around0(2, 3), around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("AddN", nil, tf.OutputList{x[0], x[1], s.Mul(x[0], x[1])})
		}},
		example{op: "Select", name: "same shape", in: []input{around0(2, 3), around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("Select", nil, s.One("Less", nil, x[0], x[1]), x[0], x[1])
		}},
		example{op: "Select", name: "rows", in: []input{around0(2, 3), around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("Select", nil, s.Constant([]bool{true, false}), x[0], x[1])
		}},
		example{op: "ClipByValue", name: "scalar limits", in: []input{around0(2, 6), around0(), positive()}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("ClipByValue", nil, x[0], s.Neg(s.One("Abs", nil, x[1])), x[2])
		}},
		example{op: "ClipByValue", name: "limits of x's shape", in: []input{around0(2, 3), around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("ClipByValue", nil, x[0], s.Neg(s.One("Abs", nil, x[1])), s.One("Exp", nil, x[1]))
		}},
	)
}
