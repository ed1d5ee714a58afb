package gradient

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"
)

// with is an example's function that applies an operation to the only input and some
// constants.
func with(kind string, a attrs, constants ...any) func(*scope, []tf.Output) tf.Output {
	return func(s *scope, x []tf.Output) tf.Output {
		in := []tf.Input{x[0]}
		for _, c := range constants {
			in = append(in, s.Constant(c))
		}
		return s.One(kind, a, in...)
	}
}

func moveExamples() []example {
	single := func(op, name string, f func(*scope, []tf.Output) tf.Output, shape ...int64) example {
		return example{op: op, name: name, in: []input{around0(shape...)}, f: f}
	}
	return []example{
		single("Reshape", "flat", with("Reshape", nil, []int32{-1}), 2, 3),
		single("Reshape", "64-bit shape", with("Reshape", nil, []int64{3, -1}), 2, 3),
		single("Squeeze", "one axis", with("Squeeze", attrs{"squeeze_dims": []int64{1}}), 2, 1, 3),
		single("ExpandDims", "last", with("ExpandDims", nil, int32(-1)), 2, 3),
		single("Transpose", "three axes", with("Transpose", nil, []int32{2, 0, 1}), 2, 3, 4),
		single("Transpose", "computed", func(s *scope, x []tf.Output) tf.Output {
			p := s.One("Range", nil, s.Constant(int32(2)), s.Constant(int32(-1)), s.Constant(int32(-1)))
			return s.One("Transpose", nil, x[0], p)
		}, 2, 3, 4),
		single("BroadcastTo", "ones and leading", func(s *scope, x []tf.Output) tf.Output {
			// Behind a sign, since products take a repeated factor as it was before: see TestBroadcastsAreMultipliedBefore.
			return s.Neg(s.One("BroadcastTo", nil, x[0], s.Constant([]int32{2, 2, 3})))
		}, 2, 1),
		single("Tile", "three axes", with("Tile", nil, []int32{2, 1, 3}), 2, 3, 1),
		single("Fill", "scalar", func(s *scope, x []tf.Output) tf.Output { return s.One("Fill", nil, s.Constant([]int32{2, 3}), x[0]) }),
		single("Roll", "two axes", with("Roll", nil, []int32{1, -2}, []int32{0, 1}), 3, 4),
		single("ReverseV2", "last", with("ReverseV2", nil, []int32{-1}), 2, 3),
		single("SpaceToBatchND", "padded", with("SpaceToBatchND", nil, []int32{2, 2}, [][]int32{{1, 0}, {0, 1}}), 1, 3, 3, 2),
		single("BatchToSpaceND", "cropped", with("BatchToSpaceND", nil, []int32{2, 2}, [][]int32{{1, 0}, {0, 1}}), 4, 2, 2, 2),
		single("SpaceToDepth", "2", with("SpaceToDepth", attrs{"block_size": int64(2)}), 1, 4, 4, 1),
		single("DepthToSpace", "2", with("DepthToSpace", attrs{"block_size": int64(2)}), 1, 2, 2, 4),
		single("ResizeNearestNeighbor", "up", with("ResizeNearestNeighbor", nil, []int32{5, 4}), 1, 3, 2, 2),
		single("ResizeNearestNeighbor", "half pixel", with("ResizeNearestNeighbor", attrs{"half_pixel_centers": true}, []int32{2, 5}), 1, 3, 4, 1),
		single("ResizeNearestNeighborGrad", "upstream", with("ResizeNearestNeighborGrad", nil, []int32{3, 2}), 1, 5, 4, 2),
	}
}

// resizeExamples use kernels that return float32 only.
func resizeExamples() []example {
	var list []example
	image := []int64{1, 3, 2, 2}
	for _, kind := range []string{"ResizeBilinear", "ResizeBicubic"} {
		for _, a := range []attrs{nil, {"align_corners": true}, {"half_pixel_centers": true}} {
			list = append(list, example{op: kind, name: fmt.Sprint(a), single: true, in: []input{around0(image...)}, f: with(kind, a, []int32{5, 4})})
		}
		list = append(list, example{op: kind + "Grad", name: "upstream", single: true, in: []input{around0(1, 5, 4, 2)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One(kind+"Grad", nil, s.Cast(x[0], tf.Float), s.noise(image...))
		}})
	}
	a := attrs{"kernel_type": "triangle", "antialias": true}
	for _, area := range []struct {
		size    []int32
		corners bool
	}{{[]int32{2, 3}, false}, {[]int32{5, 2}, false}, {[]int32{4, 3}, true}, {[]int32{1, 1}, false}} {
		list = append(list, example{op: "ResizeArea", name: fmt.Sprint(area), single: true, in: []input{around0(2, 5, 4, 2)},
			f: with("ResizeArea", attrs{"align_corners": area.corners}, area.size)})
	}
	size, scale, shift := []int32{2, 3}, []float32{0.6, 1.5}, []float32{0, 0.25}
	return append(list,
		example{op: "ScaleAndTranslate", name: "antialias", single: true, in: []input{around0(image...)}, f: with("ScaleAndTranslate", a, size, scale, shift)},
		example{op: "ScaleAndTranslateGrad", name: "upstream", single: true, in: []input{around0(1, 2, 3, 2)}, f: func(s *scope, x []tf.Output) tf.Output {
			image := s.Cast(s.noise(image...), tf.Float)
			return s.One("ScaleAndTranslateGrad", a, s.Cast(x[0], tf.Float), image, s.Constant(scale), s.Constant(shift))
		}},
	)
}

func indexExamples() []example {
	gather := func(name string, a attrs, indices any, axis int32, shape ...int64) example {
		return example{op: "GatherV2", name: name, in: []input{around0(shape...)}, f: with("GatherV2", a, indices, axis)}
	}
	batched := gather("batched", attrs{"batch_dims": int64(1)}, [][]int32{{1, 0, 1}, {2, 2, 0}}, 2, 2, 2, 3, 2)
	batched.fixed = true
	return []example{
		{op: "Gather", name: "rows", in: []input{around0(3, 2)}, f: with("Gather", nil, []int32{2, 0, 2})},
		gather("rows", nil, []int32{2, 0, 2}, 0, 3, 2),
		gather("scalar", nil, int32(1), -1, 2, 3),
		gather("middle axis", nil, [][]int64{{1, 0}, {1, 2}}, 1, 2, 3, 2),
		batched,
		{op: "GatherNd", name: "repeated", in: []input{around0(3, 2)}, f: with("GatherNd", nil, [][]int32{{2, 0}, {2, 0}, {1, 1}})},
		{op: "ScatterNd", name: "repeated", in: []input{around0(3, 2)}, f: func(s *scope, x []tf.Output) tf.Output {
			return s.One("ScatterNd", nil, s.Constant([][]int32{{1}, {1}, {3}}), x[0], s.Constant([]int32{4, 2}))
		}},
		{op: "UnsortedSegmentSum", name: "dropped row", in: []input{around0(4, 2)}, f: with("UnsortedSegmentSum", nil, []int32{1, -1, 1, 0}, int32(3))},
	}
}
