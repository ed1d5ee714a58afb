package gradient

import (
	"math/rand/v2"

	tf "github.com/wamuir/graft/tensorflow"
)

// between draws values from an interval.
func between(low, high float64, shape ...int64) input {
	return input{shape, func(r *rand.Rand, _, _ int) float64 { return low + (high-low)*r.Float64() }}
}

func functionExamples() []example {
	var list []example
	for op, in := range map[string]input{
		"Tan": between(-1.2, 1.2, 2, 3), "Asin": between(-0.9, 0.9, 2, 3), "Acos": between(-0.9, 0.9, 2, 3), "Asinh": around0(2, 3),
		"Acosh": between(1.2, 4, 2, 3), "Atanh": between(-0.9, 0.9, 2, 3), "Erfinv": between(-0.9, 0.9, 2, 3), "Ndtri": between(0.1, 0.9, 2, 3),
		"Lgamma": positive(2, 3), "Digamma": positive(2, 3), "BesselI0e": around0(2, 3), "BesselI1e": around0(2, 3),
	} {
		list = append(list, example{op: op, name: "its domain", in: []input{in}, f: of(op, nil)})
	}
	for _, b := range broadcasts {
		list = append(list,
			example{op: "Atan2", name: b.name, in: []input{around0(b.a...), around0(b.b...)}, f: of("Atan2", nil)},
			example{op: "Xlogy", name: b.name, in: []input{around0(b.a...), positive(b.b...)}, f: of("Xlogy", nil)},
		)
	}
	for _, b := range broadcasts[:2] {
		for _, op := range []string{"TruncateMod", "Mod"} {
			list = append(list, example{op: op, name: b.name, in: []input{around0(b.a...), around0(b.b...)}, f: of(op, nil)})
		}
		for _, op := range []string{"Xlog1py", "Xdivy"} {
			list = append(list, example{op: op, name: b.name, in: []input{around0(b.a...), positive(b.b...)}, f: of(op, nil)})
		}
	}
	for _, op := range []string{"Xlogy", "Xlog1py", "Xdivy"} {
		// Finite though log 0 and 1/0 are not.
		list = append(list, example{op: op, name: "nothing of an infinity", in: []input{positive(3)},
			f: func(s *scope, x []tf.Output) tf.Output {
				lowest := map[string]float64{"Xlog1py": -1}[op]
				none := s.One(op, nil, s.reals([]float64{0, 0, 0}, 3), s.Add(s.Sub(x[0], x[0]), s.Scalar(lowest, x[0])))
				return s.Add(none, x[0])
			}})
	}
	return append(list,
		example{op: "Polygamma", name: "of order 2", in: []input{positive(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("Polygamma", nil, s.Fill(x[0], 2), x[0])
		}},
		example{op: "Zeta", name: "of 2.5", in: []input{positive(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("Zeta", nil, s.Fill(x[0], 2.5), x[0])
		}},
		example{op: "Cross", name: "three", in: []input{around0(2, 3), around0(2, 3)}, f: of("Cross", nil)},
		example{op: "AccumulateNV2", name: "two", in: []input{around0(2, 3), around0(2, 3)}, fixed: true,
			f: func(s *scope, x []tf.Output) tf.Output {
				return s.One("AccumulateNV2", attrs{"shape": tf.MakeShape(2, 3)}, tf.OutputList(x))
			}},
		example{op: "EuclideanNorm", name: "rows", in: []input{around0(2, 3)}, f: with("EuclideanNorm", nil, []int32{-1})},
		example{op: "EuclideanNorm", name: "kept", in: []input{around0(2, 3, 2)},
			f: with("EuclideanNorm", attrs{"keep_dims": true}, []int32{0, 2})},
		example{op: "BiasAddV1", name: "channels last", in: []input{around0(2, 2, 3), around0(3)}, f: of("BiasAddV1", nil)},
		example{op: "Concat", name: "all wanted", in: []input{around0(2, 1), around0(2, 3)},
			f: func(s *scope, x []tf.Output) tf.Output {
				return s.One("Concat", nil, s.Constant(int32(1)), tf.OutputList{x[0], x[1], x[0]})
			}},
		example{op: "Concat", name: "one wanted", in: []input{around0(2, 1)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("Concat", nil, s.Constant(int32(1)), tf.OutputList{s.noise(2, 2), x[0]})
		}},
		example{op: "Reverse", name: "second", in: []input{around0(2, 3)}, f: with("Reverse", nil, []bool{false, true})},
		example{op: "ReverseSequence", name: "rows of two lengths", in: []input{around0(2, 4)}, fixed: true,
			f: with("ReverseSequence", attrs{"seq_dim": int64(1), "batch_dim": int64(0)}, []int32{3, 2})},
		example{op: "SpaceToBatch", name: "padded", in: []input{around0(1, 3, 3, 2)},
			f: with("SpaceToBatch", attrs{"block_size": int64(2)}, [][]int32{{1, 0}, {0, 1}})},
		example{op: "BatchToSpace", name: "cropped", in: []input{around0(4, 2, 2, 2)},
			f: with("BatchToSpace", attrs{"block_size": int64(2)}, [][]int32{{1, 0}, {0, 1}})},
	)
}

func matrixExamples() []example {
	list := []example{
		{op: "Diag", name: "vector", in: []input{around0(3)}, f: of("Diag", nil)},
		{op: "DiagPart", name: "matrix", in: []input{around0(3, 3)}, fixed: true, f: of("DiagPart", nil)},
		{op: "MatrixBandPart", name: "one below", in: []input{around0(2, 3, 4)}, f: with("MatrixBandPart", nil, int64(1), int64(0))},
		{op: "MatrixInverse", name: "plain", in: []input{around0(2, 3, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("MatrixInverse", nil, s.Add(x[0], s.Scale(4, eye(s, 3))))
		}},
		{op: "MatrixInverse", name: "turned", in: []input{around0(2, 3, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("MatrixInverse", attrs{"adjoint": true}, s.Add(x[0], s.Scale(4, eye(s, 3))))
		}},
	}
	for _, v := range []string{"", "V2", "V3"} {
		var a attrs
		if v == "V3" {
			a = attrs{"align": "RIGHT_LEFT"}
		}
		name, band := "the main one", []int32{-1, 1}
		if v != "" {
			name = "three of them"
		}
		list = append(list,
			example{op: "MatrixDiag" + v, name: name, in: []input{around0(2, 3, 4)}, fixed: v != "",
				f: func(s *scope, x []tf.Output) tf.Output {
					if v == "" {
						return s.One("MatrixDiag", nil, x[0])
					}
					minus := s.Constant(int32(-1))
					return s.One("MatrixDiag"+v, a, x[0], s.Constant(band), minus, minus, s.Constant(0.5))
				}},
			example{op: "MatrixDiagPart" + v, name: name, in: []input{around0(2, 3, 4)}, fixed: v != "",
				f: func(s *scope, x []tf.Output) tf.Output {
					if v == "" {
						return s.One("MatrixDiagPart", nil, x[0])
					}
					return s.One("MatrixDiagPart"+v, a, x[0], s.Constant(band), s.Constant(0.5))
				}},
			example{op: "MatrixSetDiag" + v, name: name, in: []input{around0(2, 3, 3), around0(2, 3)},
				f: func(s *scope, x []tf.Output) tf.Output {
					if v == "" {
						return s.One("MatrixSetDiag", nil, x[0], x[1])
					}
					return s.One("MatrixSetDiag"+v, a, x[0], x[1], s.Constant(int32(0)))
				}},
		)
	}
	for _, turnA := range []bool{false, true} {
		for _, turnB := range []bool{false, true} {
			a, b := []int64{2, 3}, []int64{3, 4}
			if turnA {
				a = []int64{3, 2}
			}
			if turnB {
				b = []int64{4, 3}
			}
			name := map[bool]string{false: "plain ", true: "turned "}[turnA] + map[bool]string{false: "plain", true: "turned"}[turnB]
			list = append(list,
				example{op: "SparseMatMul", name: name, single: true, curved: true, in: []input{around0(a...), around0(b...)},
					f: func(s *scope, x []tf.Output) tf.Output {
						return s.One("SparseMatMul", attrs{"transpose_a": turnA, "transpose_b": turnB, "a_is_sparse": true},
							s.Cast(x[0], tf.Float), s.Cast(x[1], tf.Float))
					}},
				example{op: "SparseTensorDenseMatMul", name: name, in: []input{around0(b...)}, f: func(s *scope, x []tf.Output) tf.Output {
					indices := [][]int64{{0, 1}, {1, 0}, {1, 2}}
					if turnA {
						indices = [][]int64{{1, 0}, {0, 1}, {2, 1}}
					}
					return s.One("SparseTensorDenseMatMul", attrs{"adjoint_a": turnA, "adjoint_b": turnB},
						s.Constant(indices), s.Constant([]float64{0.5, -2, 3}), s.Constant(a), x[0])
				}})
		}
	}
	return list
}

func eye(s *scope, n int64) tf.Output {
	return s.One("MatrixBandPart", nil, s.reals(ones(n*n), n, n), s.Constant(int64(0)), s.Constant(int64(0)))
}

func ones(n int64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

func scatterExamples() []example {
	list := []example{
		{op: "DynamicStitch", name: "interleaved", in: []input{around0(2, 3), around0(3)}, fixed: true,
			f: func(s *scope, x []tf.Output) tf.Output {
				return s.One("DynamicStitch", nil, tf.OutputList{s.Constant([]int32{2, 0}), s.Constant(int32(1))}, tf.OutputList(x))
			}},
		{op: "ParallelDynamicStitch", name: "interleaved", in: []input{around0(2, 3), around0(1, 3)}, fixed: true,
			f: func(s *scope, x []tf.Output) tf.Output {
				return s.One("ParallelDynamicStitch", nil, tf.OutputList{s.Constant([]int32{2, 0}), s.Constant([]int32{1})}, tf.OutputList(x))
			}},
		{op: "SegmentSum", name: "rows", in: []input{around0(4, 2)}, f: with("SegmentSum", nil, []int32{0, 0, 2, 2})},
		{op: "TopKV2", name: "two of four", in: []input{apart(2, 3, 4)}, f: with("TopKV2", nil, int32(2))},
		{op: "TopKV2", name: "vector", in: []input{apart(5)}, fixed: true, f: with("TopKV2", nil, int32(3))},
	}
	for _, op := range []string{"TensorScatterAdd", "TensorScatterSub", "TensorScatterUpdate"} {
		list = append(list, example{op: op, name: "rows", in: []input{around0(4, 2), around0(2, 2)},
			f: func(s *scope, x []tf.Output) tf.Output {
				return s.One(op, nil, x[0], s.Constant([][]int32{{3}, {1}}), x[1])
			}})
	}
	for _, batch := range []bool{false, true} {
		a := attrs{"ksize": twos, "strides": twos, "padding": "VALID", "include_batch_in_index": batch}
		list = append(list, example{op: "MaxPoolWithArgmax", name: map[bool]string{false: "within an image", true: "within the batch"}[batch],
			in: []input{apart(2, 4, 4, 2)}, f: of("MaxPoolWithArgmax", a)})
	}
	return list
}

func volumeExamples() []example {
	var list []example
	ones5, twos5 := []int64{1, 1, 1, 1, 1}, []int64{1, 2, 2, 2, 1}
	for _, padding := range []string{"SAME", "VALID"} {
		for name, stride := range map[string][]int64{" stride 1": ones5, " stride 2": twos5} {
			a := attrs{"strides": stride, "padding": padding}
			pool := attrs{"strides": stride, "padding": padding, "ksize": twos5}
			single := func(kind string) func(*scope, []tf.Output) tf.Output {
				return func(s *scope, x []tf.Output) tf.Output { return s.One(kind, pool, s.Cast(x[0], tf.Float)) }
			}
			list = append(list,
				example{op: "Conv3D", name: padding + name, in: []input{around0(1, 3, 4, 3, 2), around0(2, 2, 2, 2, 2)}, f: of("Conv3D", a)},
				example{op: "MaxPool3D", name: padding + name, single: true, in: []input{steps(1, 3, 4, 3, 1)}, f: single("MaxPool3D")},
				example{op: "AvgPool3D", name: padding + name, single: true, in: []input{around0(1, 3, 4, 3, 2)}, f: single("AvgPool3D")},
			)
		}
	}
	a := attrs{"strides": twos5, "padding": "SAME"}
	pool := attrs{"strides": twos5, "padding": "VALID", "ksize": twos5}
	maximum := func(s *scope) (image, y tf.Output) {
		image = s.Cast(s.noise(1, 4, 4, 4, 1), tf.Float)
		return image, s.One("MaxPool3D", pool, image)
	}
	return append(list,
		example{op: "Conv3DBackpropInputV2", name: "stride 2", in: []input{around0(3, 3, 3, 2, 2), around0(1, 2, 2, 2, 2)}, fixed: true,
			f: func(s *scope, x []tf.Output) tf.Output {
				return s.One("Conv3DBackpropInputV2", a, s.Constant([]int32{1, 4, 4, 4, 2}), x[0], x[1])
			}},
		example{op: "Conv3DBackpropFilterV2", name: "stride 2",
			in: []input{around0(1, 4, 4, 4, 2), around0(1, 2, 2, 2, 2)}, fixed: true,
			f: func(s *scope, x []tf.Output) tf.Output {
				return s.One("Conv3DBackpropFilterV2", a, x[0], s.Constant([]int32{3, 3, 3, 2, 2}), x[1])
			}},
		example{op: "MaxPool3DGrad", name: "upstream", single: true, in: []input{around0(1, 2, 2, 2, 1)}, fixed: true,
			f: func(s *scope, x []tf.Output) tf.Output {
				image, y := maximum(s)
				return s.One("MaxPool3DGrad", pool, image, y, s.Cast(x[0], tf.Float))
			}},
		example{op: "MaxPool3DGradGrad", name: "upstream", single: true, in: []input{around0(1, 4, 4, 4, 1)}, fixed: true,
			f: func(s *scope, x []tf.Output) tf.Output {
				image, y := maximum(s)
				return s.One("MaxPool3DGradGrad", pool, image, y, s.Cast(x[0], tf.Float))
			}},
		example{op: "AvgPool3DGrad", name: "upstream", single: true, in: []input{around0(1, 2, 2, 2, 1)}, fixed: true,
			f: func(s *scope, x []tf.Output) tf.Output {
				return s.One("AvgPool3DGrad", pool, s.Constant([]int32{1, 4, 4, 4, 1}), s.Cast(x[0], tf.Float))
			}},
	)
}

// steps draws values so far from each other that a wide central difference changes none of their order.
func steps(shape ...int64) input {
	return input{shape, func(_ *rand.Rand, i, n int) float64 { return 4 * float64(i*7919%(n+1)) }}
}

func productExamples() []example {
	var list []example
	zeros := input{[]int64{2, 4}, func(_ *rand.Rand, i, _ int) float64 { return float64(i%3) - 0.5*float64(i/4) }}
	for _, exclusive := range []bool{false, true} {
		for _, reverse := range []bool{false, true} {
			name := map[bool]string{false: "", true: "exclusive "}[exclusive] + map[bool]string{false: "forwards", true: "backwards"}[reverse]
			a := attrs{"exclusive": exclusive, "reverse": reverse}
			list = append(list,
				example{op: "Cumprod", name: name, in: []input{around0(2, 3, 2)}, f: with("Cumprod", a, int32(1))},
				example{op: "Cumprod", name: name + " with zeros", in: []input{zeros}, f: with("Cumprod", a, int32(-1))},
			)
		}
	}
	return list
}
