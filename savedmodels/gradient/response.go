package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

func responseRefused(n *node) string {
	if d := ops.Dims(n.in[0]); len(d) != 4 || d[3] < 1 {
		return "unknown number of channels"
	}
	return ""
}

// responseGrad is the rule of local response normalisation, in elementary operations
// because TensorFlow's own LRNGrad has no gradient.
//
//	y = x s^-beta, s = bias + alpha W(x^2), W the sum over neighbouring channels
//	dx = g s^-beta - 2 alpha beta x W(g y / s)
func responseGrad(s *scope, c *call) []tf.Output {
	a := s.AttrsOf(c.op, "depth_radius", "bias", "alpha", "beta")
	bias, _ := a["bias"].(float32)
	alpha, _ := a["alpha"].(float32)
	beta, _ := a["beta"].(float32)
	radius, _ := a["depth_radius"].(int64)
	x, y, g := c.in[0], c.out(0), c.up[0]
	window := func(v tf.Output) tf.Output { return s.neighbours(v, radius) }

	sum := s.Add(s.Scale(float64(alpha), window(s.One("Square", nil, x))), s.Scalar(float64(bias), x))
	direct := s.Mul(g, s.One("Pow", nil, sum, s.Scalar(-float64(beta), x)))
	shared := s.Mul(x, window(s.Div(s.Mul(g, y), sum)))
	return []tf.Output{s.Sub(direct, s.Scale(2*float64(alpha)*float64(beta), shared))}
}

// neighbours sums each channel with those at most radius away.
func (s *scope) neighbours(x tf.Output, radius int64) tf.Output {
	d := ops.Dims(x)
	if s.Err() != nil || len(d) == 0 {
		return tf.Output{}
	}
	n := d[len(d)-1]
	band := make([][]float32, n)
	for i := range band {
		band[i] = make([]float32, n)
		for j := range band[i] {
			if int64(max(i-j, j-i)) <= radius {
				band[i][j] = 1
			}
		}
	}
	rows := s.One("Reshape", nil, x, s.Constant([]int32{-1, int32(n)}))
	return s.ReshapeLike(s.One("MatMul", nil, rows, s.Cast(s.Constant(band), x.DataType())), x)
}
