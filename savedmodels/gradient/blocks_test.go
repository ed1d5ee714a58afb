package gradient

import (
	"fmt"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

func blockExamples() []example {
	var list []example
	for _, c := range []struct {
		padding                      string
		stride, image, size, channel int64
	}{{"SAME", 1, 8, 3, 1}, {"VALID", 1, 8, 3, 2}, {"SAME", 1, 6, 2, 1}, {"SAME", 2, 4, 3, 2}} {
		e := convolved(full, "", attrs{"strides": []int64{1, c.stride, c.stride, 1}, "padding": c.padding},
			[]int64{1, c.image, c.image, c.channel}, []int64{c.size, c.size, c.channel, manyFilters})
		e.op, e.name, e.fixed = inputGiven, fmt.Sprint(c), true
		list = append(list, e)
	}
	return list
}

// TestBlocks compares gradients of convolutions with respect to images of few channels with those of TensorFlow's Conv2DBackpropInput,
// and says which are left to it.
func TestBlocks(t *testing.T) {
	with := func(padding string, stride int64) attrs {
		return attrs{"strides": []int64{1, stride, stride, 1}, "padding": padding, "data_format": "NHWC"}
	}
	same, valid := with("SAME", 1), with("VALID", 1)
	explicit := attrs{"strides": ones4, "padding": "EXPLICIT", "explicit_paddings": []int64{0, 0, 1, 1, 1, 1, 0, 0}, "data_format": "NHWC"}
	for name, c := range map[string]struct {
		a             attrs
		image, filter []int64
		side          int64 // 0: TensorFlow's
	}{
		"grey":            {same, []int64{2, 28, 28, 1}, []int64{3, 3, 1, 32}, 4},
		"colours":         {same, []int64{2, 12, 8, 3}, []int64{3, 3, 3, 32}, 2},
		"large filter":    {same, []int64{1, 8, 8, 3}, []int64{5, 7, 3, 32}, 2},
		"even filter":     {same, []int64{1, 8, 12, 3}, []int64{4, 2, 3, 32}, 2},
		"narrow":          {same, []int64{1, 4, 8, 2}, []int64{1, 5, 2, 32}, 2},
		"inside":          {valid, []int64{2, 8, 8, 3}, []int64{3, 5, 3, 32}, 2},
		"as large":        {valid, []int64{2, 4, 4, 3}, []int64{4, 4, 3, 32}, 2},
		"blocks of two":   {same, []int64{2, 10, 8, 1}, []int64{3, 3, 1, 32}, 2},
		"four channels":   {valid, []int64{2, 10, 8, 4}, []int64{3, 4, 4, 32}, 2},
		"any batch":       {same, []int64{-1, 8, 8, 3}, []int64{3, 3, 3, 32}, 2},
		"odd":             {same, []int64{2, 7, 8, 3}, []int64{3, 3, 3, 32}, 0},
		"any size":        {same, []int64{2, -1, 8, 3}, []int64{3, 3, 3, 32}, 0},
		"many channels":   {same, []int64{2, 8, 8, 5}, []int64{3, 3, 5, 32}, 0},
		"few filters":     {same, []int64{2, 8, 8, 3}, []int64{3, 3, 3, 31}, 0},
		"one by one":      {same, []int64{2, 8, 8, 3}, []int64{1, 1, 3, 32}, 0},
		"groups":          {same, []int64{2, 8, 8, 4}, []int64{3, 3, 2, 32}, 0},
		"explicit":        {explicit, []int64{2, 8, 8, 3}, []int64{3, 3, 3, 32}, 0},
		"stride 2":        {with("SAME", 2), []int64{2, 8, 12, 3}, []int64{3, 3, 3, 32}, 2},
		"stride 2, grey":  {with("SAME", 2), []int64{2, 8, 12, 1}, []int64{3, 5, 1, 32}, 4},
		"stride 2 inside": {with("VALID", 2), []int64{2, 14, 10, 3}, []int64{7, 5, 3, 32}, 2},
		"rest left over":  {with("VALID", 2), []int64{2, 10, 8, 3}, []int64{3, 3, 3, 32}, 2},
		"patches":         {with("VALID", 4), []int64{2, 8, 12, 3}, []int64{4, 4, 3, 32}, 4},
		"stride 3":        {with("SAME", 3), []int64{2, 12, 9, 3}, []int64{7, 2, 3, 32}, 3},
		"stride 4":        {with("VALID", 4), []int64{1, 28, 32, 3}, []int64{11, 11, 3, 32}, 4},
		"apart":           {with("SAME", 4), []int64{1, 8, 8, 3}, []int64{2, 3, 3, 32}, 4},
		"uneven strides":  {attrs{"strides": []int64{1, 2, 1, 1}, "padding": "SAME", "data_format": "NHWC"}, []int64{2, 8, 8, 3}, []int64{3, 3, 3, 32}, 0},
		"dilations":       {attrs{"strides": ones4, "dilations": twos, "padding": "SAME", "data_format": "NHWC"}, []int64{2, 8, 8, 3}, []int64{3, 3, 3, 32}, 0},
		"channels before": {attrs{"strides": ones4, "padding": "SAME", "data_format": "NCHW"}, []int64{2, 3, 8, 8}, []int64{3, 3, 3, 32}, 0},
	} {
		for _, dtype := range []tf.DataType{tf.Float, tf.Double} {
			t.Run(fmt.Sprint(name, dtype), func(t *testing.T) {
				s := newScope(tf.NewGraph(), "net")
				x := s.Placeholder(dtype, c.image...)
				w := convolver{s, full, c.a}
				f := s.Cast(s.noise(c.filter...), dtype)
				b, ok := w.inBlocks(x, f)
				if ok != (c.side > 0) || ok && b.side != c.side {
					t.Fatalf("blocks: %v, of side %d, want %d", ok, b.side, c.side)
				}
				if !ok {
					return
				}
				shape := []int64{max(c.image[0], 2), c.image[1], c.image[2], c.image[3]}
				y := s.One("Conv2D", c.a, s.Cast(s.noise(shape...), dtype), f)
				g := s.Cast(s.noise(ops.Dims(y)...), dtype)
				want := s.One("Conv2DBackpropInput", c.a, s.Integers(shape, tf.Int32), f, g)
				difference := s.One("Max", nil, s.One("Abs", nil, s.Reshape(s.Sub(b.backInput(w, f, g), want), -1)), s.Constant(int32(0)))
				off := s.Cast(difference, tf.Double)
				if s.Err() != nil {
					t.Fatal(s.Err())
				}
				bound := map[tf.DataType]float64{tf.Float: 1e-4, tf.Double: 1e-12}[dtype]
				if d := number(run(t, session(t, s.Graph()), nil, off)[0]); !(d < bound) {
					t.Errorf("differs by %g", d)
				}
			})
		}
	}
}
