package gradient

import (
	"errors"

	tf "github.com/wamuir/graft/tensorflow"
)

// composed is the rule of an operation of one operand that others can write: these are differentiated in its place.
func composed(write func(s *scope, x tf.Output) tf.Output) rule {
	return func(s *scope, c *call) []tf.Output {
		y := write(s, c.in[0])
		if s.Err() != nil {
			return nil
		}
		in, err := c.of(s.Graph(), []tf.Output{y}, c.in[:1], Options{Upstream: c.up[:1]})
		if errors.Is(err, ErrNoPath) {
			return make([]tf.Output, len(c.in))
		}
		s.Fail(err)
		return append(in, make([]tf.Output, len(c.in)-1)...)
	}
}

// hsv writes RGBToHSV: hue, saturation and value, each 0..1, of red, green and blue in the last axis.
func hsv(s *scope, x tf.Output) tf.Output {
	r, g, b := s.three(x)
	zero := s.Scalar(0, x)
	over, under := s.extremes(r, g, b)
	span := s.Sub(over, under)
	flat := s.One("Equal", nil, span, zero)
	black := s.One("LessEqual", nil, over, zero)
	choose := func(cond, a, b tf.Output) tf.Output { return s.One("SelectV2", nil, cond, a, b) }

	// A channel that is 0 or below has no part in the saturation's gradient: so TensorFlow has it, though the derivative is
	// not 0 there.
	lit := func(channel tf.Output) tf.Output {
		return choose(s.One("Greater", nil, channel, zero), channel, s.One("StopGradient", nil, channel))
	}
	most, least := s.extremes(lit(r), lit(g), lit(b))
	saturation := choose(black, zero, s.Div(s.Sub(most, least), choose(black, s.Scalar(1, x), most)))
	norm := s.Div(s.Scalar(1./6, x), choose(flat, s.Scalar(1, x), span))
	blue := s.Add(s.Mul(norm, s.Sub(r, g)), s.Scalar(4./6, x))
	green := s.Add(s.Mul(norm, s.Sub(b, r)), s.Scalar(2./6, x))
	red := s.Mul(norm, s.Sub(g, b))
	hue := choose(s.One("Equal", nil, r, over), red, choose(s.One("Equal", nil, g, over), green, blue))
	hue = choose(flat, zero, hue)
	hue = choose(s.One("Less", nil, hue, zero), s.Add(hue, s.Scalar(1, x)), hue)
	return s.join(hue, saturation, over)
}

// extremes are the largest and the smallest of three channels. Of equal ones the first is the largest and the last the
// smallest, as TensorFlow's gradient has it.
func (s *scope) extremes(r, g, b tf.Output) (over, under tf.Output) {
	over = s.One("Maximum", nil, s.One("Maximum", nil, r, g), b)
	return over, s.One("Minimum", nil, b, s.One("Minimum", nil, g, r))
}

// rgb writes HSVToRGB.
func rgb(s *scope, x tf.Output) tf.Output {
	hue, saturation, value := s.three(x)
	six := s.Scale(6, hue)
	channel := func(centre, sign, shift float64) tf.Output {
		away := s.One("Abs", nil, s.Sub(six, s.Scalar(centre, x)))
		ramp := s.One("ClipByValue", nil, s.Add(s.Scale(sign, away), s.Scalar(shift, x)), s.Scalar(0, x), s.Scalar(1, x))
		return s.Mul(s.Add(s.Sub(s.Scalar(1, x), saturation), s.Mul(saturation, ramp)), value)
	}
	return s.join(channel(3, 1, -1), channel(2, -1, 2), channel(4, -1, 2))
}

// three are the channels of x, each with its axis.
func (s *scope) three(x tf.Output) (a, b, c tf.Output) {
	parts := s.Many(3, "Split", attrs{"num_split": int64(3)}, s.Constant(int32(-1)), x)
	return parts[0], parts[1], parts[2]
}

func (s *scope) join(parts ...tf.Output) tf.Output {
	return s.One("ConcatV2", nil, tf.OutputList(parts), s.Constant(int32(-1)))
}

// saturationGrad and hueGrad write the operations of that name by way of HSV.

func saturationGrad(s *scope, c *call) []tf.Output {
	return composed(func(s *scope, x tf.Output) tf.Output {
		hue, saturation, value := s.three(s.One("RGBToHSV", nil, x))
		scaled := s.One("ClipByValue", nil, s.Mul(saturation, s.likeImages(c.in[1], x)), s.Scalar(0, x), s.Scalar(1, x))
		return s.One("HSVToRGB", nil, s.join(hue, scaled, value))
	})(s, c)
}

func hueGrad(s *scope, c *call) []tf.Output {
	return composed(func(s *scope, x tf.Output) tf.Output {
		hue, saturation, value := s.three(s.One("RGBToHSV", nil, x))
		turned := s.One("FloorMod", nil, s.Add(hue, s.likeImages(c.in[1], x)), s.Scalar(1, x))
		return s.One("HSVToRGB", nil, s.join(turned, saturation, value))
	})(s, c)
}

// likeImages is a setting, always float32, in the images' type.
func (s *scope) likeImages(v, x tf.Output) tf.Output {
	if s.Err() != nil {
		return tf.Output{}
	}
	return s.Cast(v, x.DataType())
}

func settingRefused(n *node) string {
	if n.wants[1] {
		return "how far it goes depends on the input"
	}
	return ""
}

// contrastGrad is the rule of y = f (x - mean) + mean, the mean over height and width of each channel.
func contrastGrad(s *scope, c *call) []tf.Output {
	x, g := c.in[0], c.up[0]
	factor := s.likeImages(c.in[1], x)
	mean := func(v tf.Output) tf.Output {
		return s.One("Mean", attrs{"keep_dims": true}, v, s.Constant([]int32{-3, -2}))
	}
	in := make([]tf.Output, 2)
	if c.wants[0] {
		in[0] = s.Add(s.Mul(factor, g), s.Mul(s.Sub(s.Scalar(1, x), factor), mean(g)))
	}
	if c.wants[1] {
		in[1] = s.Cast(s.sumAll(s.Mul(g, s.Sub(x, mean(x)))), tf.Float)
	}
	return in
}
