package gradient

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"
)

var (
	ones4  = []int64{1, 1, 1, 1}
	twos   = []int64{1, 2, 2, 1}
	threes = []int64{1, 3, 3, 1}
)

// strides names the ways in which a window can walk over an image.
var strides = []struct {
	name string
	a    attrs
}{
	{"same", attrs{"strides": ones4, "padding": "SAME"}},
	{"same stride 2", attrs{"strides": twos, "padding": "SAME"}},
	{"valid", attrs{"strides": ones4, "padding": "VALID"}},
	{"valid stride 2", attrs{"strides": twos, "padding": "VALID"}},
	{"explicit", attrs{"strides": twos, "padding": "EXPLICIT", "explicit_paddings": []int64{0, 0, 2, 1, 0, 1, 0, 0}}},
}

func convolutionExamples() []example {
	var list []example
	for _, w := range strides {
		list = append(list,
			convolved(full, w.name, w.a, []int64{1, 5, 6, 2}, []int64{3, 3, 2, 3}),
			convolved(full, w.name+" groups", w.a, []int64{1, 4, 5, 4}, []int64{2, 2, 2, 4}),
			convolved(full, w.name+" groups of one", w.a, []int64{1, 4, 5, 2}, []int64{2, 2, 1, 4}),
			convolved(depthwise, w.name, w.a, []int64{1, 5, 5, 2}, []int64{3, 3, 2, 2}),
		)
	}
	dilated := attrs{"strides": ones4, "dilations": []int64{1, 2, 3, 1}, "padding": "SAME"}
	both := attrs{"strides": twos, "dilations": twos, "padding": "VALID"}
	spread := []example{
		convolved(full, "dilated", dilated, []int64{1, 7, 7, 1}, []int64{3, 3, 1, 2}),
		convolved(full, "dilated stride 2", both, []int64{1, 7, 7, 1}, []int64{3, 3, 1, 2}),
		convolved(full, "groups of one, uneven strides", attrs{"strides": []int64{1, 2, 1, 1}, "padding": "VALID"}, []int64{1, 4, 5, 2}, []int64{2, 2, 1, 4}),
		convolved(full, "dilated groups", dilated, []int64{1, 4, 5, 2}, []int64{2, 2, 1, 2}),
	}
	for i := range spread {
		spread[i].fixed = true
	}
	list = append(append(list, spread...),
		convolved(full, "one by one", attrs{"strides": ones4, "padding": "VALID"}, []int64{2, 3, 2, 2}, []int64{1, 1, 2, 3}),
	)
	for _, b := range []filterBank{full, depthwise} {
		list = append(list, adjoints(b)...)
	}
	for _, padding := range []string{"SAME", "VALID"} {
		a := attrs{"ksizes": twos, "strides": []int64{1, 2, 1, 1}, "rates": []int64{1, 1, 2, 1}, "padding": padding}
		list = append(list, example{op: "ExtractImagePatches", name: padding, in: []input{around0(1, 4, 5, 2)}, f: of("ExtractImagePatches", a)})
	}
	return list
}

func convolved(b filterBank, name string, a attrs, image, filter []int64) example {
	return example{op: b.forward, name: name, in: []input{around0(image...), around0(filter...)}, f: of(b.forward, a)}
}

// adjoints are the gradient operations as a network may hold them: Conv2DTranspose is
// the first of them.
func adjoints(b filterBank) []example {
	channels := int64(3)
	if b.forward == depthwise.forward {
		channels = 4
	}
	image, filter, out := []int64{1, 5, 5, 2}, []int64{3, 3, 2, channels}, []int64{1, 3, 3, channels}
	if b.forward == depthwise.forward {
		filter[3] = 2
	}
	a := attrs{"strides": twos, "padding": "SAME"}
	return []example{
		{op: b.input, name: "stride 2", in: []input{around0(filter...), around0(out...)}, fixed: true, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One(b.input, a, s.Integers(image, tf.Int32), x[0], x[1])
		}},
		{op: b.filter, name: "stride 2", in: []input{around0(image...), around0(out...)}, fixed: true, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One(b.filter, a, x[0], s.Integers(filter, tf.Int32), x[1])
		}},
	}
}

func poolingExamples() []example {
	var list []example
	for _, w := range strides {
		a := attrs{"ksize": threes}
		for k, v := range w.a {
			a[k] = v
		}
		list = append(list, example{op: "MaxPool", name: w.name, in: []input{apart(1, 5, 6, 2)}, f: of("MaxPool", a)})
		if w.name == "explicit" {
			continue
		}
		list = append(list, example{op: "AvgPool", name: w.name, in: []input{around0(2, 4, 5, 2)}, f: of("AvgPool", a)})
	}
	a := attrs{"ksize": twos, "strides": twos, "padding": "VALID"}
	return append(list,
		example{op: "MaxPool", name: "windows apart", in: []input{apart(1, 4, 7, 2)}, f: of("MaxPool", a)},
		example{op: "MaxPool", name: "windows apart, cut", in: []input{apart(1, 5, 7, 2)}, f: of("MaxPool", attrs{"ksize": twos, "strides": twos, "padding": "SAME"})},
		example{op: "MaxPoolGrad", name: "upstream", in: []input{around0(1, 2, 2, 2)}, fixed: true, f: func(s *scope, x []tf.Output) tf.Output {
			image := s.noise(1, 4, 4, 2)
			return s.One("MaxPoolGrad", a, image, s.One("MaxPool", a, image), x[0])
		}},
		example{op: "MaxPoolGradGrad", name: "upstream", in: []input{around0(1, 4, 4, 2)}, fixed: true, f: func(s *scope, x []tf.Output) tf.Output {
			image := s.noise(1, 4, 4, 2)
			return s.One("MaxPoolGradGrad", a, image, s.One("MaxPool", a, image), x[0])
		}},
		example{op: "AvgPoolGrad", name: "upstream", in: []input{around0(1, 2, 2, 2)}, fixed: true, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("AvgPoolGrad", a, s.Constant([]int32{1, 4, 4, 2}), x[0])
		}},
	)
}

func normalisationExamples() []example {
	var list []example
	for _, op := range []string{"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"} {
		for _, training := range []bool{false, true} {
			a := attrs{"is_training": training, "epsilon": float32(0.125)}
			list = append(list, example{
				op: op, name: fmt.Sprint("training ", training), single: true, curved: true,
				in: []input{around0(2, 2, 2, 3), around0(3), around0(3)},
				f: func(s *scope, x []tf.Output) tf.Output {
					single := func(v tf.Output) tf.Output { return s.Cast(v, tf.Float) }
					mean, variance := s.Constant([]float32{0.5, 0, -1}), s.Constant([]float32{1, 0.5, 2})
					if training && op != "FusedBatchNormV3" {
						mean, variance = s.Constant([]float32{}), s.Constant([]float32{})
					}
					return s.One(op, a, single(x[0]), single(x[1]), single(x[2]), mean, variance)
				},
			})
		}
	}
	return append(list, example{op: "LRN", name: "four channels", single: true, curved: true, in: []input{around0(2, 1, 2, 4)}, f: func(s *scope, x []tf.Output) tf.Output {
		return s.One("LRN", attrs{"depth_radius": int64(1), "bias": float32(1.5), "alpha": float32(0.5), "beta": float32(0.75)}, s.Cast(x[0], tf.Float))
	}})
}

func linearExamples() []example {
	var list []example
	for _, turnA := range []bool{false, true} {
		for _, turnB := range []bool{false, true} {
			name := map[bool]string{false: "plain ", true: "turned "}[turnA] + map[bool]string{false: "plain", true: "turned"}[turnB]
			a, b := []int64{2, 3}, []int64{3, 4}
			if turnA {
				a = []int64{3, 2}
			}
			if turnB {
				b = []int64{4, 3}
			}
			with := func(lead ...int64) func(shape []int64) input {
				return func(shape []int64) input { return around0(append(append([]int64{}, lead...), shape...)...) }
			}
			turned := attrs{"adj_x": turnA, "adj_y": turnB}
			list = append(list,
				example{op: "MatMul", name: name, in: []input{around0(a...), around0(b...)}, f: of("MatMul", attrs{"transpose_a": turnA, "transpose_b": turnB})},
				example{op: "BatchMatMul", name: name, in: []input{with(2)(a), with(2)(b)}, f: of("BatchMatMul", turned)},
				example{op: "BatchMatMulV2", name: name, in: []input{with(2, 1)(a), with(3)(b)}, f: of("BatchMatMulV2", turned)},
				example{op: "BatchMatMulV3", name: name, in: []input{around0(a...), with(2)(b)}, f: of("BatchMatMulV3", attrs{"adj_x": turnA, "adj_y": turnB, "Tout": tf.Double})},
			)
		}
	}
	for _, e := range []struct {
		equation string
		in       [][]int64
	}{
		{"abc,cd->abd", [][]int64{{2, 2, 3}, {3, 2}}},
		{"aecd,abcd->acbe", [][]int64{{1, 2, 2, 3}, {1, 3, 2, 3}}},
		{"acbe,aecd->abcd", [][]int64{{1, 2, 3, 2}, {1, 2, 2, 3}}},
		{"...ij,...jk->...ik", [][]int64{{2, 1, 2, 3}, {3, 3, 2}}},
		{"...i,ij->...j", [][]int64{{2, 2, 3}, {3, 2}}},
		{"ij,jk->i", [][]int64{{2, 3}, {3, 2}}},
		{"...ij,...k->...k", [][]int64{{1, 2, 2}, {2, 3}}},
		{"abc->ca", [][]int64{{2, 3, 2}}},
		{"ij->ji", [][]int64{{2, 3}}},
		{"i,j->ij", [][]int64{{2}, {3}}},
	} {
		in := make([]input, len(e.in))
		for i, shape := range e.in {
			in[i] = around0(shape...)
		}
		list = append(list, example{op: "Einsum", name: e.equation, in: in, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("Einsum", attrs{"equation": e.equation}, tf.OutputList(x))
		}})
	}
	return append(list,
		example{op: "BiasAdd", name: "channels last", in: []input{around0(2, 2, 3), around0(3)}, f: of("BiasAdd", nil)},
		example{op: "BiasAdd", name: "channels first", in: []input{around0(2, 3, 2, 2), around0(3)}, f: of("BiasAdd", attrs{"data_format": "NCHW"})},
	)
}
