package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"
)

func partExamples() []example {
	pads := [][]int32{{1, 0}, {2, 1}}
	list := []example{
		{op: "Pad", name: "both axes", in: []input{around0(2, 3)}, f: with("Pad", nil, pads)},
		{op: "Pad", name: "computed", in: []input{around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("Pad", nil, x[0], s.One("AddV2", nil, s.Constant(pads), s.Constant(pads)))
		}},
		{op: "PadV2", name: "value", in: []input{around0(2, 3), around0()}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("PadV2", nil, x[0], s.Constant(pads), x[1])
		}},
		{op: "Slice", name: "to the end", in: []input{around0(2, 3, 2)}, f: with("Slice", nil, []int32{0, 1, 0}, []int32{-1, 2, 1})},
		{op: "Slice", name: "64-bit", in: []input{around0(3, 3)}, f: with("Slice", nil, []int64{1, 0}, []int64{2, 2})},
		{op: "Slice", name: "computed", in: []input{around0(3, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			one := s.Constant([]int32{1, 1})
			return s.One("Slice", nil, x[0], s.One("Sub", nil, one, s.Constant([]int32{0, 1})), one)
		}},
		{op: "ConcatV2", name: "all wanted", in: []input{around0(2, 1), around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("ConcatV2", nil, tf.OutputList{x[0], x[1], x[0]}, s.Constant(int32(-1)))
		}},
		{op: "ConcatV2", name: "one wanted", in: []input{around0(2, 2)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("ConcatV2", nil, tf.OutputList{s.noise(2, 3), x[0], s.noise(2, 1)}, s.Constant(int64(1)))
		}},
		{op: "ConcatV2", name: "first axis", in: []input{around0(1, 2), around0(3, 2)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("ConcatV2", nil, tf.OutputList(x), s.Constant(int64(0)))
		}},
		{op: "Pack", name: "last axis", in: []input{around0(2, 3), around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("Pack", attrs{"axis": int64(-1)}, tf.OutputList{x[0], s.noise(2, 3), x[1]})
		}},
	}
	return append(append(list, splitExamples()...), maskExamples()...)
}

// splitExamples leave one of the parts unused.
func splitExamples() []example {
	parts := func(op *tf.Operation) tf.Output {
		if op == nil {
			return tf.Output{}
		}
		return op.Output(2)
	}
	twice := func(s *scope, op *tf.Operation) tf.Output { return s.Mul(parts(op), op.Output(0)) }
	return []example{
		{op: "Unpack", name: "middle axis", in: []input{around0(2, 3, 2)}, f: func(s *scope, x []tf.Output) tf.Output {
			return twice(s, s.Op("Unpack", attrs{"num": int64(3), "axis": int64(1)}, x[0]))
		}},
		{op: "Split", name: "last axis", in: []input{around0(2, 6)}, f: func(s *scope, x []tf.Output) tf.Output {
			return twice(s, s.Op("Split", attrs{"num_split": int64(3)}, s.Constant(int32(1)), x[0]))
		}},
		{op: "Split", name: "one part", in: []input{around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("Split", attrs{"num_split": int64(1)}, s.Constant(int32(1)), x[0])
		}},
		{op: "SplitV", name: "one part", in: []input{around0(2, 3)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("SplitV", attrs{"num_split": int64(1)}, x[0], s.Constant([]int32{3}), s.Constant(int32(1)))
		}},
		{op: "SplitV", name: "last axis", in: []input{around0(2, 5)}, f: func(s *scope, x []tf.Output) tf.Output {
			return twice(s, s.Op("SplitV", attrs{"num_split": int64(3)}, x[0], s.Constant([]int32{2, 1, 2}), s.Constant(int32(1))))
		}},
		{op: "MirrorPad", name: "reflect", in: []input{around0(3, 3)}, f: with("MirrorPad", attrs{"mode": "REFLECT"}, [][]int32{{1, 2}, {0, 1}})},
		{op: "MirrorPad", name: "symmetric", in: []input{around0(3, 3)}, f: with("MirrorPad", attrs{"mode": "SYMMETRIC"}, [][]int32{{1, 2}, {0, 1}})},
		{op: "MirrorPadGrad", name: "upstream", in: []input{around0(4, 4)}, f: with("MirrorPadGrad", attrs{"mode": "REFLECT"}, [][]int32{{1, 0}, {0, 1}})},
	}
}

// maskExamples use each mask of StridedSlice; the comments are the slices in Python.
func maskExamples() []example {
	none := []int32{0, 0, 0}
	steps := []int32{1, 1, 1}
	cut := func(name string, a attrs, begin, end, step []int32) example {
		return example{op: "StridedSlice", name: name, in: []input{around0(2, 3, 4)}, f: with("StridedSlice", a, begin, end, step)}
	}
	return []example{
		cut("[0:2, 1:3, 1:4:2]", nil, []int32{0, 1, 1}, []int32{2, 3, 4}, []int32{1, 1, 2}),
		cut("[:, 1:, ::-1]", attrs{"begin_mask": int64(5), "end_mask": int64(7)}, []int32{0, 1, 0}, none, []int32{1, 1, -1}),
		cut("[..., 1]", attrs{"ellipsis_mask": int64(1), "shrink_axis_mask": int64(2)}, []int32{0, 1}, []int32{0, 2}, []int32{1, 1}),
		cut("[:, newaxis, -1]", attrs{"begin_mask": int64(1), "end_mask": int64(1), "new_axis_mask": int64(2), "shrink_axis_mask": int64(4)}, []int32{0, 0, -1}, none, steps),
		{op: "StridedSliceGrad", name: "upstream", in: []input{around0(2, 2, 2)}, fixed: true, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("StridedSliceGrad", nil, s.Constant([]int32{2, 3, 4}), s.Constant([]int32{0, 1, 1}), s.Constant([]int32{2, 3, 4}), s.Constant([]int32{1, 1, 2}), x[0])
		}},
	}
}
