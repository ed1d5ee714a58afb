package gradient

import (
	"fmt"
	"math/rand/v2"

	tf "github.com/wamuir/graft/tensorflow"
)

func reductionExamples() []example {
	var list []example
	for _, op := range []string{"Sum", "Mean", "Max", "Min", "Prod"} {
		for _, over := range [][]int32{{0}, {-1}, {0, 2}, {0, 1, 2}, {}} {
			for _, keep := range []bool{false, true} {
				list = append(list, example{op: op, name: fmt.Sprint(over, keep), in: []input{apart(2, 3, 2)}, fixed: op == "Prod",
					f: func(s *scope, x []tf.Output) tf.Output {
						return s.One(op, attrs{"keep_dims": keep}, x[0], s.Constant(over))
					}})
			}
		}
		list = append(list, example{op: op, name: "scalar axis", in: []input{apart(2, 3, 2)}, fixed: op == "Prod", f: func(s *scope, x []tf.Output) tf.Output {
			return s.One(op, nil, x[0], s.Constant(int32(1)))
		}})
	}
	for _, op := range []string{"Sum", "Mean", "Max", "Min"} {
		list = append(list, example{op: op, name: "computed axes", in: []input{apart(2, 3, 2)}, f: func(s *scope, x []tf.Output) tf.Output {
			over := s.One("Range", nil, s.Constant(int32(-2)), s.Constant(int32(0)), s.Constant(int32(1)))
			return s.One(op, nil, x[0], over)
		}})
	}
	for _, exclusive := range []bool{false, true} {
		for _, reverse := range []bool{false, true} {
			list = append(list, example{op: "Cumsum", name: fmt.Sprint(exclusive, reverse), in: []input{around0(2, 4)}, f: func(s *scope, x []tf.Output) tf.Output {
				return s.One("Cumsum", attrs{"exclusive": exclusive, "reverse": reverse}, x[0], s.Constant(int32(1)))
			}})
		}
	}
	zeros := input{[]int64{2, 3}, func(_ *rand.Rand, i, _ int) float64 { return float64(i / 2 % 2 * i) }}
	return append(list, example{op: "Prod", name: "with zeros", in: []input{zeros}, fixed: true, f: func(s *scope, x []tf.Output) tf.Output {
		return s.One("Prod", nil, x[0], s.Constant(int32(1)))
	}})
}
