package gradient

import (
	"math"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// curves finds functions of one tensor, element by element, that a network writes with several operations: GELU in both its forms,
// x sigmoid(x), a polynomial. What arrives at one is multiplied by its slope, which is calculated forwards, once, and goes at once to
// the tensor that the function is of, where the rules of its operations would carry it through each of them. A slope is such a
// function itself, so that the second order costs as little.
type curves struct {
	path *path
	of   []port // by node: what it is a function of; node -1 for one that is none
	deep []bool // whether it is made of several operations
	ends map[port]bool
	// slopes are those of nodes that are there already.
	slopes map[int]term
}

// nowhere is no tensor of a path.
var nowhere = port{node: -1}

// A term is k times a tensor, or k alone if that is the zero Output.
type term struct {
	k float64
	t tf.Output
}

// steepness is the slope of a function of one operand x whose result is y.
var steepness = map[string]func(s *scope, x, y tf.Output) term{
	"Neg":     func(*scope, tf.Output, tf.Output) term { return term{k: -1} },
	"Square":  func(_ *scope, x, _ tf.Output) term { return term{2, x} },
	"Exp":     func(_ *scope, _, y tf.Output) term { return term{1, y} },
	"Erf":     func(s *scope, x, _ tf.Output) term { return term{2 / math.SqrtPi, s.bell(x)} },
	"Erfc":    func(s *scope, x, _ tf.Output) term { return term{-2 / math.SqrtPi, s.bell(x)} },
	"Tanh":    func(s *scope, _, y tf.Output) term { return term{1, s.Sub(s.Scalar(1, y), s.square(y))} },
	"Sigmoid": func(s *scope, x, y tf.Output) term { return term{1, s.Mul(y, s.One("Sigmoid", nil, s.Neg(x)))} },
}

// bell is exp(-x^2).
func (s *scope) bell(x tf.Output) tf.Output { return s.One("Exp", nil, s.Neg(s.square(x))) }

// joining are the operations of two operands that such functions are made of.
var joining = map[string]bool{"Add": true, "AddV2": true, "Sub": true, "Mul": true, "RealDiv": true, "Pow": true}

// findCurves looks for them between xs and ys. A tensor of xs is one that others are functions of, whatever it is itself.
func findCurves(p *path, xs []tf.Output) *curves {
	n := len(p.nodes)
	c := &curves{path: p, of: make([]port, n), deep: make([]bool, n), ends: map[port]bool{}, slopes: map[int]term{}}
	for _, x := range xs {
		if at, ok := p.find(x); ok {
			c.ends[at] = true
		}
	}
	for _, id := range p.order {
		c.of[id] = nowhere
		if p.nodes[id].passes() {
			c.of[id], c.deep[id] = c.source(&p.nodes[id])
		}
	}
	return c
}

// source is what a node is a function of, and whether by way of others.
func (c *curves) source(n *node) (of port, deep bool) {
	if steepness[n.kind] == nil && !(joining[n.kind] && joins(n)) {
		return nowhere, false
	}
	of = nowhere
	for i, at := range n.from {
		if !n.wants[i] {
			continue
		}
		if id, curve := c.at(n, i); curve {
			at, deep = c.of[id], true
		}
		if of != nowhere && of != at {
			return nowhere, false
		}
		of = at
	}
	x, y := c.path.nodes[of.node].op.Output(of.index), n.op.Output(0)
	if t := y.DataType(); t != tf.Float && t != tf.Double || !ops.Same(ops.Dims(x), ops.Dims(y)) {
		return nowhere, false
	}
	return of, deep
}

// joins reports whether each operand depends on an x or is a number, and the slope in it is one that is known here.
func joins(n *node) bool {
	for i, in := range n.in {
		if _, number := knownFloat(in); !n.wants[i] && !number {
			return false
		}
	}
	switch n.kind {
	case "RealDiv":
		return !n.wants[1]
	case "Pow":
		k, _ := knownFloat(n.in[1])
		return !n.wants[1] && (k == 2 || k == 3)
	}
	return true
}

// at is the node that makes input i of n, and whether n's slope is to follow from that of its own.
func (c *curves) at(n *node, i int) (id int, curve bool) {
	id = n.from[i].node
	return id, id >= 0 && c.of[id] != nowhere && !c.ends[n.from[i]]
}

// slope is that of a node in what it is a function of.
func (c *curves) slope(s *scope, id int) term {
	if known, ok := c.slopes[id]; ok {
		return known
	}
	n := &c.path.nodes[id]
	var slope term
	for i, in := range n.in {
		if !n.wants[i] {
			continue
		}
		inner := term{k: 1}
		if from, curve := c.at(n, i); curve {
			inner = c.slope(s, from)
		}
		slope = s.plus(slope, s.times(inner, s.partial(n, i, in)))
	}
	c.slopes[id] = slope
	return slope
}

// partial is the slope of a node in its input i.
func (s *scope) partial(n *node, i int, in tf.Output) term {
	if f := steepness[n.kind]; f != nil {
		return f(s, in, n.op.Output(0))
	}
	other := s.factor(n.in[1-i])
	switch n.kind {
	case "Mul":
		return other
	case "RealDiv":
		return term{k: 1 / other.k}
	case "Sub":
		return term{k: 1 - 2*float64(i)}
	case "Pow":
		if other.k == 2 {
			return term{2, in}
		}
		return term{3, s.square(in)}
	}
	return term{k: 1}
}

// factor is a tensor as a term.
func (s *scope) factor(t tf.Output) term {
	if v, ok := knownFloat(t); ok {
		return term{k: v}
	}
	return term{1, t}
}

func (s *scope) times(a, b term) term {
	k := a.k * b.k
	switch {
	case a.t.Op == nil:
		return term{k, b.t}
	case b.t.Op == nil:
		return term{k, a.t}
	}
	return term{k, s.Mul(a.t, b.t)}
}

func (s *scope) plus(a, b term) term {
	switch {
	case a.k == 0:
		return b
	case b.k == 0:
		return a
	case a.t.Op == nil && b.t.Op == nil:
		return term{k: a.k + b.k}
	case a.t.Op != nil && b.t.Op != nil && *a.t.Op == *b.t.Op && a.t.Index == b.t.Index:
		return term{a.k + b.k, a.t}
	case a.t.Op == nil:
		a, b = b, a
	}
	if b.t.Op == nil {
		return term{a.k, s.Add(a.t, s.Scalar(b.k/a.k, a.t))}
	}
	return term{a.k, s.Add(a.t, s.scaled(term{b.k / a.k, b.t}))}
}

// scaled is a term as a tensor.
func (s *scope) scaled(a term) tf.Output {
	if a.k == 1 {
		return a.t
	}
	return s.Scale(a.k, a.t)
}

// carry is g times the slope of a node; the zero Output where that is 0 everywhere.
func (c *curves) carry(s *scope, id int, g tf.Output) tf.Output {
	switch slope := c.slope(s, id); {
	case slope.k == 0:
		return tf.Output{}
	case slope.t.Op == nil:
		return s.scaled(term{slope.k, g})
	default:
		return s.Mul(g, s.scaled(slope))
	}
}
