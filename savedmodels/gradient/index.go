package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// gathering is where a Gather takes its elements from: params have the axes
// [batch, outer, the gathered one, inner], the result has [batch, outer, those of
// the indices, inner].
type gathering struct {
	batch, axis, indices, rank int
}

func gatheringOf(op *tf.Operation, in []tf.Output) (gathering, string) {
	d, k := ops.Dims(in[0]), ops.Dims(in[1])
	if d == nil || k == nil {
		return gathering{}, "unknown rank"
	}
	w := gathering{rank: len(d)}
	if op.Type() == "GatherV2" {
		at, ok := ops.Axes(in[2], len(d))
		if !ok {
			return gathering{}, "unknown axis"
		}
		w.axis = int(at[0])
		if b, err := op.Attr("batch_dims"); err == nil {
			w.batch = int(b.(int64))
		}
	}
	if w.batch < 0 {
		w.batch += len(k)
	}
	for i := range w.batch {
		if i >= len(d) || d[i] < 0 || d[w.axis] < 0 {
			return gathering{}, "unknown sizes of batch axes"
		}
	}
	w.indices = len(k) - w.batch
	return w, ""
}

func gatherRefused(n *node) string {
	_, why := gatheringOf(n.op, n.in)
	return why
}

// gatherGrad adds the rows of the gradient up into the rows that they were taken from.
func gatherGrad(s *scope, c *call) []tf.Output {
	in := make([]tf.Output, len(c.in))
	params, indices := c.in[0], c.in[1]
	w, _ := gatheringOf(c.op, c.in)
	// Rows first: [batch, indices, outer, inner] and [batch, gathered, outer, inner].
	outer := w.axis - w.batch
	rowsOfG := order(w.batch, outer, w.indices, w.rank-w.axis-1)
	rowsOfParams := order(w.batch, outer, 1, w.rank-w.axis-1)
	g := s.reorder(c.up[0], rowsOfG)
	shape, data, count := s.rows(params, rowsOfParams, w.batch+1)
	ids := s.One("Reshape", nil, s.offset(indices, params, w), s.Constant([]int32{-1}))
	sum := s.One("UnsortedSegmentSum", nil, s.One("Reshape", nil, g, data), ids, count)
	in[0] = s.reorder(s.One("Reshape", nil, sum, shape), inverse(rowsOfParams))
	return in
}

// order is the permutation of axes that swaps the second and the third of four groups
// of the given sizes.
func order(batch, outer, middle, inner int) []int64 {
	var p []int64
	group := func(from, n int) {
		for i := range n {
			p = append(p, int64(from+i))
		}
	}
	group(0, batch)
	group(batch+outer, middle)
	group(batch, outer)
	group(batch+outer+middle, inner)
	return p
}

func (s *scope) reorder(x tf.Output, p []int64) tf.Output {
	for i, v := range p {
		if v != int64(i) {
			return s.One("Transpose", nil, x, s.Integers(p, tf.Int32))
		}
	}
	return x
}

// rows describes x with its axes in the order p and the first lead of them taken as
// rows: the shape before that, the shape [-1, rest] after it, the number of rows.
func (s *scope) rows(x tf.Output, p []int64, lead int) (shape, data, count tf.Output) {
	if d := ops.Dims(x); ops.Static(d) {
		turned := make([]int64, len(d))
		n := int64(1)
		for i, axis := range p {
			turned[i] = d[axis]
			if i < lead {
				n *= d[axis]
			}
		}
		rest := append([]int64{-1}, turned[lead:]...)
		return s.Integers(turned, tf.Int32), s.Integers(rest, tf.Int32), s.Constant(int32(n))
	}
	zero := s.Constant(int32(0))
	shape = s.One("GatherV2", nil, s.ShapeOf(x), s.Integers(p, tf.Int32), zero)
	part := func(from, n int32) tf.Output {
		return s.One("Slice", nil, shape, s.Constant([]int32{from}), s.Constant([]int32{n}))
	}
	data = s.One("ConcatV2", nil, tf.OutputList{s.Constant([]int32{-1}), part(int32(lead), -1)}, zero)
	return shape, data, s.One("Prod", nil, part(0, int32(lead)), zero)
}

// offset makes indices within a batch into indices over all batches.
func (s *scope) offset(indices, params tf.Output, w gathering) tf.Output {
	if w.batch == 0 {
		return indices
	}
	d := ops.Dims(params)
	starts, shape := int64(1), make([]int64, w.batch+w.indices)
	for i := range shape {
		shape[i] = 1
		if i < w.batch {
			shape[i] = d[i]
			starts *= d[i]
		}
	}
	first := make([]int64, starts)
	for i := range first {
		first[i] = int64(i) * d[w.axis]
	}
	at := s.One("Reshape", nil, s.Integers(first, indices.DataType()), s.Integers(shape, tf.Int32))
	return s.Add(indices, at)
}

func gatherNdGrad(s *scope, c *call) []tf.Output {
	indices := c.in[1]
	return []tf.Output{s.One("ScatterNd", nil, indices, c.up[0], s.ShapeAs(c.in[0], indices.DataType())), {}}
}

func scatterNdGrad(s *scope, c *call) []tf.Output {
	return []tf.Output{{}, s.One("GatherNd", nil, c.up[0], c.in[0]), {}}
}

func segmentSumRefused(n *node) string {
	if ops.Dims(n.op.Output(0)) == nil {
		return "unknown rank"
	}
	return ""
}

// segmentSumGrad gives nothing to rows of negative segments, which TensorFlow drops.
func segmentSumGrad(s *scope, c *call) []tf.Output {
	ids, zero := c.in[1], s.Constant(int32(0))
	none := s.Integers([]int64{0}, ids.DataType())
	g := s.One("GatherV2", nil, c.up[0], s.One("Maximum", nil, ids, none), zero)
	kept := s.One("GreaterEqual", nil, ids, none)
	for range len(ops.Dims(c.out(0))) - 1 {
		kept = s.One("ExpandDims", nil, kept, s.Constant(int32(-1)))
	}
	return []tf.Output{s.One("SelectV2", nil, kept, g, s.Scalar(0, g)), {}, {}}
}
