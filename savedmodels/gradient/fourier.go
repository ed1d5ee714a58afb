package gradient

import (
	"slices"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// The gradient of a complex tensor z is the G for which a small change dz changes the objective by the real part of
// sum(conj(G) dz), as TensorFlow has it. A linear operation A is then undone by its conjugate transpose, and its rule has the
// second order for free: it is linear in the upstream gradient.

// conjugate is conj(x), which is x where x is real.
func (s *scope) conjugate(x tf.Output) tf.Output {
	if s.Err() != nil || !ops.IsComplex(x.DataType()) {
		return x
	}
	return s.One("Conj", nil, x)
}

func conjGrad(s *scope, _, _, g tf.Output) tf.Output { return s.conjugate(g) }

// realGrad is the rule of Real: a gradient without an imaginary part.
func realGrad(s *scope, x, _, g tf.Output) tf.Output { return s.Cast(g, x.DataType()) }

func imagGrad(s *scope, x, _, g tf.Output) tf.Output {
	return s.complex(s.Fill(g, 0), g, x.DataType())
}

func (s *scope) complex(re, im tf.Output, t tf.DataType) tf.Output {
	return s.One("Complex", attrs{"Tout": t}, re, im)
}

// part is the real part ("Real") or the imaginary one ("Imag") in the real type t.
func (s *scope) part(kind string, x tf.Output, t tf.DataType) tf.Output {
	return s.One(kind, attrs{"Tout": t}, x)
}

// complexGrad is the rule of Complex, which makes a complex tensor of two real ones.
func complexGrad(s *scope, c *call) []tf.Output {
	g, t := c.up[0], c.in[0].DataType()
	in := make([]tf.Output, 2)
	if c.wants[0] {
		in[0] = s.sumTo(s.part("Real", g, t), c.in[0], c.in[1])
	}
	if c.wants[1] {
		in[1] = s.sumTo(s.part("Imag", g, t), c.in[1], c.in[0])
	}
	return in
}

// complexAbsGrad is g z/|z|, 0 at 0.
func complexAbsGrad(s *scope, x, y, g tf.Output) tf.Output {
	return s.Mul(x, s.Cast(s.One("DivNoNan", nil, g, y), x.DataType()))
}

// A fourier is one of TensorFlow's Fourier transforms.
type fourier struct {
	kind    string
	inverse bool // e^(+i...), divided by the number of elements
	half    bool // real on one side, which has the redundant half of the spectrum left out on the other
	axes    int  // the last so many are transformed
}

func fourierOf(kind string) fourier {
	f := fourier{kind: kind, inverse: strings.HasPrefix(kind, "I"), half: strings.Contains(kind, "RFFT"), axes: 1}
	switch {
	case strings.HasSuffix(kind, "2D"):
		f.axes = 2
	case strings.HasSuffix(kind, "3D"):
		f.axes = 3
	}
	return f
}

// full names the transform of complex numbers over the same axes, forwards or back.
func (f fourier) full(inverse bool) string {
	name := "FFT"
	if inverse {
		name = "IFFT"
	}
	return name + []string{"", "2D", "3D"}[f.axes-1]
}

// sizes are those of the transformed axes on the side that holds all of them; nil if they are not known.
func (f fourier) sizes(op *tf.Operation, in []tf.Output) []int64 {
	t := in[0]
	if f.half && f.inverse {
		t = op.Output(0)
	}
	d := ops.Dims(t)
	if len(d) < f.axes || !ops.Static(d[len(d)-f.axes:]) {
		return nil
	}
	return d[len(d)-f.axes:]
}

func fourierRefused(n *node) string {
	f := fourierOf(n.kind)
	sizes := f.sizes(n.op, n.in)
	if sizes == nil {
		return "unknown sizes"
	}
	if !f.half {
		return ""
	}
	if given, ok := ops.Known(n.in[1]); !ok || !slices.Equal(given, sizes) {
		return "it cuts or fills up its input"
	}
	spectrum := ops.Dims(n.op.Output(0))
	if f.inverse {
		spectrum = ops.Dims(n.in[0])
	}
	last := len(sizes) - 1
	want := append(slices.Clone(sizes[:last]), sizes[last]/2+1)
	if len(spectrum) < f.axes || !slices.Equal(spectrum[len(spectrum)-f.axes:], want) {
		return "it cuts or fills up its input"
	}
	return ""
}

func fourierGrad(s *scope, c *call) []tf.Output {
	f := fourierOf(c.op.Type())
	sizes := f.sizes(c.op, c.in)
	n := 1.0
	for _, size := range sizes {
		n *= float64(size)
	}
	x, g := c.in[0], c.up[0]
	in := make([]tf.Output, len(c.in))
	switch {
	case f.half && f.inverse:
		spectrum := s.One(strings.TrimPrefix(f.kind, "I"), attrs{"Tcomplex": x.DataType()}, g, c.in[1])
		in[0] = s.Mul(spectrum, s.doubled(sizes[f.axes-1], n, x))
	case f.half:
		whole := s.Scale(n, s.One(f.full(true), nil, s.filledUp(g, sizes[f.axes-1])))
		in[0] = s.part("Real", whole, x.DataType())
	case f.inverse:
		in[0] = s.Scale(1/n, s.One(f.full(false), nil, g))
	default:
		in[0] = s.Scale(n, s.One(f.full(true), nil, g))
	}
	return in
}

// doubled are the weights of the half spectrum of n values: each of its columns stands for two but the first, and the last if n
// is even.
func (s *scope) doubled(n int64, elements float64, like tf.Output) tf.Output {
	weights := make([]float64, n/2+1)
	for k := range weights {
		weights[k] = 2 / elements
		if k == 0 || int64(2*k) == n {
			weights[k] = 1 / elements
		}
	}
	if s.Err() != nil {
		return tf.Output{}
	}
	return s.Cast(s.Constant(weights), like.DataType())
}

// filledUp puts zeros in place of the half of a spectrum that was left out.
func (s *scope) filledUp(g tf.Output, n int64) tf.Output {
	d := ops.Dims(g)
	pads := make([][]int32, len(d))
	for i := range pads {
		pads[i] = []int32{0, 0}
	}
	if len(d) > 0 {
		pads[len(d)-1][1] = int32(n - (n/2 + 1))
	}
	return s.One("Pad", nil, g, s.Constant(pads))
}
