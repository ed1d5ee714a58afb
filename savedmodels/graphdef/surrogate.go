package graphdef

import (
	"fmt"

	"github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
)

// Smooth returns the graph with s(x) = softplus(beta x)/beta in place of ReLU:
//
//	Relu(x)      -> s(x)
//	Relu6(x)     -> s(x) - s(x-6)
//	LeakyRelu(x) -> alpha x + (1-alpha) s(x)
//
// A rectifier spelt otherwise, such as Maximum(x, 0), stays as it is. The second result counts what was replaced.
//
// In float32 and float64 a node of the kind SlopeGiven carries each, with the slope beside it that derivatives of all orders share.
func (g *Graph) Smooth(beta float64) (*Graph, int) { return g.smooth(beta, nil) }

// SmoothFed is Smooth with a beta that is fed, and not below least. The last result stands for it, a float32 scalar of the name that is
// given; like the image it is left out of Def, and the importer maps a tensor to it.
func (g *Graph) SmoothFed(least float64, name string) (*Graph, int, *Node) {
	beta := &Node{Name: name, Op: "Placeholder", Attr: map[string]*attr_value_go_proto.AttrValue{
		"dtype": typeAttr(types_go_proto.DataType_DT_FLOAT),
		"shape": {Value: &attr_value_go_proto.AttrValue_Shape{Shape: &tensor_shape_go_proto.TensorShapeProto{}}},
	}}
	smooth, replaced := g.smooth(least, beta)
	return smooth, replaced, beta
}

func (g *Graph) smooth(beta float64, fed *Node) (*Graph, int) {
	smooth := g.clone()
	var nodes []*Node
	replaced := 0
	for _, n := range smooth.Nodes {
		if rule := rectifiers[n.Op]; rule != nil && len(n.Inputs) == 1 {
			s := softplus{beta: beta, fed: fed, of: n}
			s.become(rule(&s, n.Inputs[0]))
			nodes = append(nodes, s.added...)
			replaced++
		}
		nodes = append(nodes, n)
	}
	smooth.Nodes = nodes
	return smooth, replaced
}

// GradientOf is the attribute by which TensorFlow, too, marks nodes that have another gradient than that of their ops.
const GradientOf = "_gradient_op_type"

// SlopeGiven is the kind of an IdentityN of a function's value, its argument and its slope there, element by element.
const SlopeGiven = "SlopeGiven"

// A smoothed is a function's value and slope, whose node is invalid where the slope is left to the value's ops.
type smoothed struct{ value, slope Tensor }

var rectifiers = map[string]func(s *softplus, x Tensor) smoothed{
	"Relu": func(s *softplus, x Tensor) smoothed { return s.plus(x) },
	"Relu6": func(s *softplus, x Tensor) smoothed {
		if s.wide() && s.beta >= leastApart {
			return s.twoBends(x)
		}
		return s.both("Sub", s.plus(x), s.plus(s.add("Sub", x, s.scalar(6))))
	},
	"LeakyRelu": func(s *softplus, x Tensor) smoothed {
		alpha := 0.2 // the op's default
		if given := s.of.Attr["alpha"]; given != nil {
			alpha = float64(given.GetF())
		}
		rest := s.scalar(1 - alpha)
		bend := s.plus(x)
		bend.value = s.add("Mul", bend.value, rest)
		if bend.slope.Node != nil {
			bend.slope = s.add("Mul", bend.slope, rest)
		}
		return s.both("AddV2", smoothed{s.add("Mul", x, s.scalar(alpha)), s.scalar(alpha)}, bend)
	},
}

// softplus writes the nodes that take the place of one rectifier, whose own node becomes the last of them.
type softplus struct {
	// beta is the constant, or the least that a fed one can be.
	beta  float64
	fed   *Node // nil for a constant
	of    *Node
	added []*Node
}

// least is a number of float32 so small that beyond its logarithm softplus(z) is z.
const least = 1e-37

// plus is softplus(beta x)/beta. TensorFlow's Softplus takes twice as long as
//
//	softplus(z) = -min(-z, log sigmoid(-z)),
//
// which is within 1e-6 of it where z is near 0, and within float32's precision where it is large. Its derivatives are made of sigmoid(z)
// and sigmoid(-z). The 16-bit floats lack the range for it.
func (s *softplus) plus(x Tensor) smoothed {
	z := s.add("Mul", x, s.timesBeta(1))
	if !s.wide() {
		return smoothed{value: s.add("Mul", s.add("Softplus", z), s.overBeta(1))}
	}
	minus := s.add("Neg", z)
	log := s.add("Log", s.add("Maximum", s.add("Sigmoid", minus), s.scalar(least)))
	return smoothed{s.add("Mul", s.add("Minimum", minus, log), s.overBeta(-1)), s.add("Sigmoid", z)}
}

// wide reports whether the rectifier's type is none of 16 bits.
func (s *softplus) wide() bool {
	t := s.of.Attr["T"].GetType()
	return t == types_go_proto.DataType_DT_FLOAT || t == types_go_proto.DataType_DT_DOUBLE
}

// leastApart is the beta from which on only one of the bends of s(x) - s(x-6), at 0 and at 6, is felt at any place: the other's
// part of the slope is e^-18 at most, a quarter of what float32 tells apart at 1.
const leastApart = 6

// twoBends is s(x) - s(x-6) where the bends are far apart. With the distance d = min(x, 6-x) from the nearer of them, and c = 1 if
// that is the one at 0, otherwise -1,
//
//	value   Relu6(x) - c log(max(sigmoid(beta d), sigmoid(-beta d)))/beta
//	slope   sigmoid(beta d)
//	bend    c beta sigmoid(beta d) sigmoid(-beta d)
//
// which takes half the operations of two softplus functions and their derivatives.
func (s *softplus) twoBends(x Tensor) smoothed {
	d := s.add("Minimum", x, s.add("Sub", s.scalar(6), x))
	// TensorFlow would make one slow operation of Neg and Sigmoid.
	slope, rest := s.add("Sigmoid", s.add("Mul", d, s.timesBeta(1))), s.add("Sigmoid", s.add("Mul", d, s.timesBeta(-1)))
	left := s.add("Sub", s.scalar(3), x)
	log := s.add("Mul", s.add("Log", s.add("Maximum", slope, rest)), s.overBeta(1))
	value := s.add("Sub", s.add("Relu6", x), s.signed(log, left))
	bend := s.signed(s.add("Mul", s.add("Mul", slope, rest), s.timesBeta(1)), left)
	given := s.node(&Node{Op: "IdentityN", Inputs: []Tensor{slope, x, bend}, Attr: s.givenSlope()})
	return smoothed{value, given}
}

// signed is v where t is positive, otherwise -v.
func (s *softplus) signed(v, t Tensor) Tensor {
	attr := s.typed("T")
	attr["alpha"] = &attr_value_go_proto.AttrValue{Value: &attr_value_go_proto.AttrValue_F{F: -1}}
	return s.node(&Node{Op: "LeakyReluGrad", Inputs: []Tensor{v, t}, Attr: attr})
}

// both combines two functions by an op that is linear in them.
func (s *softplus) both(op string, a, b smoothed) smoothed {
	c := smoothed{value: s.add(op, a.value, b.value)}
	if b.slope.Node != nil {
		c.slope = s.add(op, a.slope, b.slope)
	}
	return c
}

func (s *softplus) add(op string, inputs ...Tensor) Tensor {
	return s.node(&Node{Op: op, Inputs: inputs, Attr: s.typed("T")})
}

func (s *softplus) node(n *Node) Tensor {
	n.Name = fmt.Sprintf("%s/softplus_%d", s.of.Name, len(s.added))
	s.added = append(s.added, n)
	return Tensor{n, 0}
}

// timesBeta is the scalar v beta.
func (s *softplus) timesBeta(v float64) Tensor {
	switch {
	case s.fed == nil:
		return s.scalar(v * s.beta)
	case v == 1:
		return s.typedScalar(Tensor{s.fed, 0})
	}
	return s.add("Mul", s.typedScalar(Tensor{s.fed, 0}), s.scalar(v))
}

// overBeta is the scalar v / beta.
func (s *softplus) overBeta(v float64) Tensor {
	if s.fed == nil {
		return s.scalar(v / s.beta)
	}
	return s.add("RealDiv", s.scalar(v), s.typedScalar(Tensor{s.fed, 0}))
}

// scalar is a constant of the rectifier's type.
func (s *softplus) scalar(v float64) Tensor {
	return s.typedScalar(s.node(constNode("", &tensor_go_proto.TensorProto{
		Dtype: types_go_proto.DataType_DT_FLOAT, TensorShape: &tensor_shape_go_proto.TensorShapeProto{}, FloatVal: []float32{float32(v)},
	})))
}

// typedScalar is a float32 scalar in the rectifier's type, which may be a 16-bit float.
func (s *softplus) typedScalar(value Tensor) Tensor {
	if s.of.Attr["T"].GetType() == types_go_proto.DataType_DT_FLOAT {
		return value
	}
	attr := s.typed("DstT")
	attr["SrcT"] = typeAttr(types_go_proto.DataType_DT_FLOAT)
	return s.node(&Node{Op: "Cast", Inputs: []Tensor{value}, Attr: attr})
}

// become has the rectifier's node stand for a function of its input.
func (s *softplus) become(f smoothed) {
	if f.slope.Node == nil {
		s.of.Op, s.of.Inputs, s.of.Attr = "Identity", []Tensor{f.value}, s.typed("T")
		return
	}
	s.of.Op, s.of.Inputs, s.of.Attr = "IdentityN", []Tensor{f.value, s.of.Inputs[0], f.slope}, s.givenSlope()
}

// givenSlope are the attributes of the kind SlopeGiven.
func (s *softplus) givenSlope() map[string]*attr_value_go_proto.AttrValue {
	t := s.of.Attr["T"].GetType()
	return map[string]*attr_value_go_proto.AttrValue{
		"T": {Value: &attr_value_go_proto.AttrValue_List{List: &attr_value_go_proto.AttrValue_ListValue{
			Type: []types_go_proto.DataType{t, t, t},
		}}},
		GradientOf: {Value: &attr_value_go_proto.AttrValue_S{S: []byte(SlopeGiven)}},
	}
}

func (s *softplus) typed(attr string) map[string]*attr_value_go_proto.AttrValue {
	return map[string]*attr_value_go_proto.AttrValue{attr: s.of.Attr["T"]}
}
