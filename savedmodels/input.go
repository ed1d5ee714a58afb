package savedmodels

import (
	"fmt"

	"upi/savedmodels/graphdef"
	"upi/savedmodels/ops"
	"upi/savedmodels/tensors"

	tf "github.com/wamuir/graft/tensorflow"
)

// relaxInput makes a network of integer pixels take float32 ones.
func (m *Model) relaxInput() error {
	dtype := tf.DataType(m.input.DType)
	switch dtype {
	case tf.Float, tf.Double, tf.Half, tf.Bfloat16:
		return nil
	case tf.Uint8, tf.Int32, tf.Int64, tf.Uint16, tf.Int16, tf.Int8:
	default:
		return fmt.Errorf("input %v is not a batch of images: its type must be a float or an integer", m.input)
	}
	relaxed, blocked, err := m.graph.Relax()
	if err != nil {
		return err
	}
	if blocked != nil {
		return fmt.Errorf("input %v: op %s (node %q) calculates with integers, and a gradient cannot pass", m.input, blocked.Op, blocked.Name)
	}
	m.graph = relaxed
	m.inputType = tf.Float
	return nil
}

// preprocess turns images of NHWC and RGB in pixel units, float32, into what the network takes: Scale*pixels + Offset, in its
// order of channels, its layout, shape and type.
func (m *Model) preprocess(g *tf.Graph, name string, x tf.Output) (tf.Output, error) {
	s := ops.NewScope(g, name+"/input")
	batch := x.Shape().Size(0)
	if m.options.Channels == BGR {
		x = s.One("ReverseV2", nil, x, s.Constant([]int32{3}))
	}
	if !m.options.Scale.all(1) {
		x = s.Mul(x, s.Constant(m.options.Scale.floats()))
	}
	if !m.options.Offset.all(0) {
		x = s.Add(x, s.Constant(m.options.Offset.floats()))
	}
	if m.options.Layout == NCHW && m.shape[2] > 1 {
		x = s.One("Transpose", nil, x, s.Constant([]int32{0, 3, 1, 2}))
	}
	if shape := m.inputShape(batch); !ops.Same(ops.Dims(x), shape) {
		x = s.Reshape(x, shape...)
	}
	return s.Cast(x, m.inputType), s.Err()
}

// finish brings the end of the network's graph to rows of logits, float32 [B,columns].
func (m *Model) finish(g *tf.Graph, name string, batch int64, out tf.Output) (tf.Output, error) {
	shape := ops.Dims(out)
	if shape == nil {
		return tf.Output{}, fmt.Errorf("the output's shape stays open when the images' shape is known")
	}
	s := ops.NewScope(g, name+"/output")
	if m.arrangement.single && batch == 1 {
		shape = append([]int64{1}, shape...)
		out = s.Reshape(out, shape...)
	}
	columns := int64(1)
	if len(shape) > 1 {
		columns = shape[len(shape)-1]
	}
	if len(shape) == 0 || shape[0] != batch || columns < 2 && m.head.Kind != HeadBinary && !m.raw {
		return tf.Output{}, fmt.Errorf("for %d images the output is %s, not one row of class scores for each", batch, graphdef.ShapeString(shape))
	}
	if len(shape) != 2 {
		// A convolution in place of the last dense layer leaves [B,1,1,K], a single score perhaps [B].
		if tensors.Elements(shape) != batch*columns {
			return tf.Output{}, fmt.Errorf("the output is %s, not one row of class scores per image", graphdef.ShapeString(shape))
		}
		out = s.Reshape(out, batch, columns)
	}
	out = s.Cast(out, tf.Float)
	if columns == 1 && !m.raw {
		out = s.One("Pad", nil, out, s.Constant([][]int32{{0, 0}, {1, 0}}))
	}
	return out, s.Err()
}
