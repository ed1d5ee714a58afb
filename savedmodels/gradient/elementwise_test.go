package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"
)

func elementwiseExamples() []example {
	var list []example
	for _, op := range []string{"Identity", "Snapshot", "EnsureShape", "CheckNumerics", "Neg", "Abs", "Square", "Exp", "Expm1", "Sin", "Cos",
		"Sinh", "Cosh", "Atan", "Erf", "Erfc", "L2Loss", "Sigmoid", "Tanh", "Relu", "Relu6", "LeakyRelu",
		"Elu", "Selu", "Softplus", "Softsign", "Softmax", "LogSoftmax", "Inv", "Reciprocal"} {
		a := map[string]attrs{
			"EnsureShape":   {"shape": tf.MakeShape(-1, 3)},
			"CheckNumerics": {"message": "not finite"},
			"LeakyRelu":     {"alpha": float32(0.25)},
		}[op]
		list = append(list, example{op: op, name: "both signs", in: []input{around0(2, 3)}, f: of(op, a)})
	}
	for _, op := range []string{"Sqrt", "Rsqrt", "Log", "Log1p"} {
		list = append(list, example{op: op, name: "positive", in: []input{positive(2, 3)}, f: of(op, nil)})
	}
	// Derivatives that TensorFlow has operations for, of both operands.
	for _, op := range []string{"SqrtGrad", "RsqrtGrad", "InvGrad", "ReciprocalGrad", "TanhGrad", "EluGrad", "SeluGrad", "SoftplusGrad", "SoftsignGrad"} {
		list = append(list, example{op: op, name: "both operands", in: []input{around0(2, 3), around0(2, 3)}, f: of(op, nil)})
	}
	for _, op := range []string{"ReluGrad", "Relu6Grad", "LeakyReluGrad"} {
		list = append(list, example{op: op, name: "upstream", in: []input{around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One(op, nil, x[0], s.noise(2, 3))
		}})
	}
	return append(list,
		example{op: "Relu6", name: "above six", in: []input{positive(3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("Relu6", nil, s.Mul(x[0], s.reals([]float64{9, 1, -1}, 3)))
		}},
		example{op: "Softmax", name: "rank 4", in: []input{around0(1, 2, 2, 3)}, f: of("Softmax", nil)},
		// TensorFlow's gradient holds for labels that sum to 1.
		example{op: "SoftmaxCrossEntropyWithLogits", name: "loss", in: []input{around0(2, 3), around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("SoftmaxCrossEntropyWithLogits", nil, x[0], s.One("Softmax", nil, x[1]))
		}},
		example{op: "SoftmaxCrossEntropyWithLogits", name: "both outputs", in: []input{around0(2, 3), around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			both := s.Op("SoftmaxCrossEntropyWithLogits", nil, x[0], s.One("Softmax", nil, x[1]))
			return s.Add(s.column(both.Output(0)), both.Output(1))
		}},
		example{op: "SparseSoftmaxCrossEntropyWithLogits", name: "both outputs", in: []input{around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			both := s.Op("SparseSoftmaxCrossEntropyWithLogits", nil, x[0], s.Constant([]int32{2, 0}))
			return s.Add(s.column(both.Output(0)), both.Output(1))
		}},
		example{op: "Cast", name: "through float32", single: true, in: []input{around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.Cast(s.Cast(x[0], tf.Float), tf.Double)
		}},
		example{op: "IdentityN", name: "one of two unused", in: []input{around0(2, 3), around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			both := s.Op("IdentityN", nil, tf.OutputList(x))
			return s.Mul(both.Output(0), x[1])
		}},
		example{op: slopeGiven, name: "cube", in: []input{around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			square := s.One("Square", nil, x[0])
			// BesselJ0 has no rule, which does not matter: the value's operations are not followed.
			nothing := s.Sub(s.One("BesselJ0", nil, square), s.One("BesselJ0", nil, square))
			cube := s.Add(s.Mul(square, x[0]), nothing)
			return s.One("IdentityN", attrs{gradientOf: slopeGiven}, tf.OutputList{cube, x[0], s.Scale(3, square)})
		}},
		example{op: "PlaceholderWithDefault", name: "default", in: []input{around0(2, 3)}, f: of("PlaceholderWithDefault", attrs{"shape": tf.MakeShape(-1, 3)})},
	)
}
