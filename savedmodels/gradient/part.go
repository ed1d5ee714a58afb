package gradient

import (
	"slices"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// padGrad cuts the padding off; the constant of PadV2 gets what was cut.
func padGrad(s *scope, c *call) []tf.Output {
	x, pads, g := c.in[0], c.in[1], c.up[0]
	in := make([]tf.Output, len(c.in))
	begin := s.firstColumn(pads)
	inner := s.One("Slice", nil, g, begin, s.ShapeAs(x, pads.DataType()))
	if c.wants[0] {
		in[0] = inner
	}
	if len(in) > 2 && c.wants[2] {
		in[2] = s.Sub(s.sumAll(g), s.sumAll(inner))
	}
	return in
}

func (s *scope) sumAll(x tf.Output) tf.Output {
	return s.One("Sum", nil, s.One("Reshape", nil, x, s.Constant([]int32{-1})), s.Constant(int32(0)))
}

// firstColumn is the first column of a matrix of two.
func (s *scope) firstColumn(pairs tf.Output) tf.Output {
	if v, ok := ops.Known(pairs); ok {
		begin := make([]int64, len(v)/2)
		for i := range begin {
			begin[i] = v[2*i]
		}
		return s.Integers(begin, pairs.DataType())
	}
	column := s.One("Slice", nil, pairs, s.Constant([]int32{0, 0}), s.Constant([]int32{-1, 1}))
	return s.One("Reshape", nil, column, s.Constant([]int32{-1}))
}

// mirrored is the rule of MirrorPad and MirrorPadGrad, which are linear and each
// other's adjoint.
func mirrored(kind string) rule {
	return func(s *scope, c *call) []tf.Output {
		return []tf.Output{s.One(kind, s.AttrsOf(c.op, "mode"), c.up[0], c.in[1]), {}}
	}
}

func sliceGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{s.One("Pad", nil, c.up[0], s.around(c)), {}, {}}
}

// around is the padding that puts a slice back where it was.
func (s *scope) around(c *call) tf.Output {
	x, begin, size := c.in[0], c.in[1], c.in[2]
	if pads, ok := knownAround(x, begin, size); ok {
		return s.Constant(pads)
	}
	after := s.Sub(s.Sub(s.ShapeAs(x, begin.DataType()), s.ShapeAs(c.out(0), begin.DataType())), begin)
	return s.One("Pack", attrs{"axis": int64(1)}, tf.OutputList{begin, after})
}

func knownAround(x, begin, size tf.Output) ([][]int32, bool) {
	d := ops.Dims(x)
	from, ok := ops.Known(begin)
	length, ok2 := ops.Known(size)
	if d == nil || !ok || !ok2 || len(from) != len(d) || len(length) != len(d) {
		return nil, false
	}
	pads := make([][]int32, len(d))
	for i, n := range d {
		after := int64(0)
		if length[i] >= 0 { // -1 means up to the end
			after = n - from[i] - length[i]
			if n < 0 || after < 0 {
				return nil, false
			}
		}
		pads[i] = ops.Narrow([]int64{from[i], after})
	}
	return pads, true
}

var masks = []string{"begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"}

func stridedSliceGrad(s *scope, c *call) []tf.Output {
	shape := s.ShapeAs(c.in[0], c.in[1].DataType())
	g := s.One("StridedSliceGrad", s.AttrsOf(c.op, masks...), shape, c.in[1], c.in[2], c.in[3], c.up[0])
	return []tf.Output{g, {}, {}, {}}
}

func stridedSliceGradGrad(s *scope, c *call) []tf.Output {
	g := s.One("StridedSlice", s.AttrsOf(c.op, masks...), c.up[0], c.in[1], c.in[2], c.in[3])
	return []tf.Output{{}, {}, {}, {}, g}
}

// concatGrad cuts the gradient into the parts again. One part alone is sliced out;
// several are split off, because the gradient of a split is one ConcatV2 instead of a
// sum of padded tensors.
func concatGrad(s *scope, c *call) []tf.Output {
	n := len(c.in) - 1
	axis := c.in[n]
	wanted := 0
	for _, w := range c.wants[:n] {
		if w {
			wanted++
		}
	}
	rank := len(ops.Dims(c.out(0)))
	at, knownAxis := ops.Axes(axis, rank)
	if knownAxis {
		if sizes, ok := sizesAlong(c.in[:n], at[0]); ok {
			if wanted == 1 {
				return s.sliceOne(c, sizes, rank, int(at[0]))
			}
			return s.splitOff(c, s.Integers(sizes, tf.Int32), axis)
		}
	}
	sizes := make(tf.OutputList, n)
	for i := range sizes {
		sizes[i] = s.One("GatherV2", nil, s.ShapeOf(c.in[i]), axis, s.Constant(int32(0)))
	}
	return s.splitOff(c, s.One("Pack", nil, sizes), axis)
}

// concatFirstGrad is the rule of Concat, whose axis stands before the parts.
func concatFirstGrad(s *scope, c *call) []tf.Output {
	turned := *c
	turned.in = append(slices.Clone(c.in[1:]), c.in[0])
	turned.wants = append(slices.Clone(c.wants[1:]), false)
	in := concatGrad(s, &turned)
	if in == nil {
		return nil
	}
	return append([]tf.Output{{}}, in[:len(in)-1]...)
}

func sizesAlong(parts []tf.Output, axis int64) ([]int64, bool) {
	sizes := make([]int64, len(parts))
	for i, p := range parts {
		d := ops.Dims(p)
		if int(axis) >= len(d) || d[axis] < 0 {
			return nil, false
		}
		sizes[i] = d[axis]
	}
	return sizes, true
}

func (s *scope) splitOff(c *call, sizes, axis tf.Output) []tf.Output {
	n := len(c.in) - 1
	in := make([]tf.Output, n+1)
	op := s.Op("SplitV", attrs{"num_split": int64(n)}, c.up[0], sizes, s.Cast(axis, tf.Int32))
	if op == nil {
		return nil
	}
	for i := range n {
		in[i] = op.Output(i)
	}
	return in
}

func (s *scope) sliceOne(c *call, sizes []int64, rank, axis int) []tf.Output {
	in := make([]tf.Output, len(c.in))
	begin, size := make([]int64, rank), make([]int64, rank)
	for i := range size {
		size[i] = -1
	}
	for i, n := range sizes {
		if c.wants[i] {
			size[axis] = n
			in[i] = s.One("Slice", nil, c.up[0], s.Integers(begin, tf.Int32), s.Integers(size, tf.Int32))
		}
		begin[axis] += n
	}
	return in
}

func packGrad(s *scope, c *call) []tf.Output {
	a := s.AttrsOf(c.op, "axis")
	a["num"] = int64(len(c.in))
	in := make([]tf.Output, len(c.in))
	if op := s.Op("Unpack", a, c.up[0]); op != nil {
		for i := range in {
			in[i] = op.Output(i)
		}
	}
	return in
}

func unpackGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{s.One("Pack", s.AttrsOf(c.op, "axis"), s.allUp(c))}
}

func splitGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{{}, s.concat(s.allUp(c), c.in[0])}
}

func splitVGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{s.concat(s.allUp(c), c.in[2]), {}, {}}
}

// concat joins parts along an axis. TensorFlow splits into one part but does not join one.
func (s *scope) concat(parts tf.OutputList, axis tf.Output) tf.Output {
	if len(parts) == 1 {
		return parts[0]
	}
	return s.One("ConcatV2", nil, parts, axis)
}

// allUp is the gradients of all outputs, zeros where none arrived.
func (s *scope) allUp(c *call) tf.OutputList {
	up := make(tf.OutputList, len(c.up))
	for i := range up {
		up[i] = c.up[i]
		if up[i].Op == nil {
			up[i] = s.Fill(c.out(i), 0)
		}
	}
	return up
}
