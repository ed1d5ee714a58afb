// Package gradient differentiates TensorFlow graphs in reverse mode.
//
// Of adds to a graph the operations that compute the derivative of some of its
// tensors with respect to others. The rules in this package only add
// operations that have rules themselves, so that Of applied to its own result
// gives the exact derivative of a derivative; TensorFlow's C++ gradients, which
// graft offers as Graph.AddGradients, stop at the first order for most layers.
//
// At kinks and ties the rules keep TensorFlow's conventions: ReLU has slope 0 at
// 0, max pooling credits the first maximum of a window, Max shares among equal
// maxima, Maximum(a, b) credits a where a = b.
package gradient

import (
	"fmt"
	"regexp"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// Options change how Of works. The zero value is ready for use.
type Options struct {
	// Name is the prefix of the names of the operations that are added;
	// "gradients" if empty. It need not be unique.
	Name string
	// Upstream holds one tensor per y, of y's shape and type, by which y's
	// derivative is multiplied; ones if nil, which differentiates the sum of
	// all elements of all ys.
	Upstream []tf.Output
	// Guided lets rectifiers (Relu, Relu6, LeakyRelu and what stands for them in a smooth network) pass on only what is
	// positive of the gradient: guided backpropagation (Springenberg et al. 2015). The result is no derivative; Of
	// without it differentiates it exactly.
	Guided bool
}

// Of adds to g the derivative of ys with respect to each of xs and returns one
// tensor per x, of x's shape and type.
//
// Only paths over floating-point tensors count, and complex ones are an error. Operations such as
// StopGradient, Floor or a cast to integers end a path; so does an input that an
// operation's derivative does not depend on smoothly, such as the features of
// ReluGrad.
//
// Errors: a *MissingRuleError lists every operation on a path from an x to a y
// that has no rule; the graph is then unchanged. An error that wraps ErrNoPath
// says that the derivative with respect to some xs is zero by structure, for
// every value of the inputs; the results for the other xs are valid, and those
// without a path are the zero Output.
//
// Nothing else may change g meanwhile.
func Of(g *tf.Graph, ys, xs []tf.Output, o Options) ([]tf.Output, error) {
	if o.Name == "" {
		o.Name = "gradients"
	}
	if err := check(g, ys, xs, o); err != nil {
		return nil, err
	}
	p, err := findPath(ys, xs)
	if err != nil {
		return nil, err
	}
	if err := p.missing(); err != nil {
		return nil, err
	}
	s := newScope(g, o.Name)
	w := sweep{path: p, curves: findCurves(p, xs), scope: s, guided: o.Guided, sums: make([][][]tf.Output, len(p.nodes))}
	for i, y := range ys {
		up := tf.Output{}
		if o.Upstream != nil {
			up = o.Upstream[i]
		}
		w.seed(y, up)
	}
	if err := w.run(); err != nil {
		return nil, err
	}
	results := make([]tf.Output, len(xs))
	var without []tf.Output
	for i, x := range xs {
		if at, ok := p.find(x); ok {
			results[i] = w.total(at)
		}
		if results[i].Op == nil {
			without = append(without, x)
		}
	}
	if s.Err() != nil {
		return nil, s.Err()
	}
	if len(without) > 0 {
		return results, noPath(without)
	}
	return results, nil
}

// nodeName is what TensorFlow accepts, though only when a session runs the graph.
var nodeName = regexp.MustCompile(`^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$`)

// check refuses what would end the process inside TensorFlow.
func check(g *tf.Graph, ys, xs []tf.Output, o Options) error {
	upstream := o.Upstream
	if !nodeName.MatchString(o.Name) {
		return fmt.Errorf("differentiate: %q cannot begin the name of an operation", o.Name)
	}
	if len(ys) == 0 || len(xs) == 0 {
		return fmt.Errorf("differentiate: %d ys and %d xs given, at least one of each is needed", len(ys), len(xs))
	}
	if upstream != nil && len(upstream) != len(ys) {
		return fmt.Errorf("differentiate: %d upstream tensors for %d ys", len(upstream), len(ys))
	}
	for _, list := range []struct {
		what string
		of   []tf.Output
	}{{"y", ys}, {"x", xs}, {"upstream", upstream}} {
		for i, t := range list.of {
			if t.Op == nil {
				return fmt.Errorf("differentiate: %s %d is no tensor", list.what, i)
			}
			name := t.Op.Name()
			if t.Index < 0 || t.Index >= t.Op.NumOutputs() {
				return fmt.Errorf("differentiate: %s %d is output %d of %s, which has %d", list.what, i, t.Index, name, t.Op.NumOutputs())
			}
			if same := g.Operation(name); same == nil || *same != *t.Op {
				return fmt.Errorf("differentiate: %s %d (%s) belongs to another graph", list.what, i, name)
			}
			if !ops.IsFloat(t.DataType()) {
				return fmt.Errorf("differentiate: %s %d (%s) is not a floating-point tensor", list.what, i, name)
			}
		}
	}
	for i, up := range upstream {
		if up.DataType() != ys[i].DataType() {
			return fmt.Errorf("differentiate: upstream %d (%s) is not of the type of y (%s)", i, up.Op.Name(), ys[i].Op.Name())
		}
	}
	return nil
}

// sweep goes backwards over a path and keeps the gradients met so far.
type sweep struct {
	path   *path
	curves *curves
	scope  *scope
	guided bool
	// sums[n][i] are the gradients of output i of node n, yet to be added up.
	sums [][][]tf.Output
}

// seed starts the sweep at y; a zero up stands for ones.
func (w *sweep) seed(y, up tf.Output) {
	at, ok := w.path.find(y)
	if !ok || !w.path.nodes[at.node].active[at.index] {
		return
	}
	if up.Op == nil {
		up = w.scope.Fill(y, 1)
	}
	w.add(at, up)
}

func (w *sweep) add(at port, g tf.Output) {
	if w.sums[at.node] == nil {
		w.sums[at.node] = make([][]tf.Output, len(w.path.nodes[at.node].active))
	}
	w.sums[at.node][at.index] = append(w.sums[at.node][at.index], g)
}

// total adds up what has arrived at an output; the zero Output if nothing has.
func (w *sweep) total(at port) tf.Output {
	if w.sums[at.node] == nil {
		return tf.Output{}
	}
	sum := &w.sums[at.node][at.index]
	if len(*sum) == 0 {
		return tf.Output{}
	}
	if len(*sum) > 1 {
		*sum = []tf.Output{w.scope.One("AddN", nil, tf.OutputList(*sum))}
	}
	return (*sum)[0]
}

// follow carries what has arrived at a function of one tensor to that tensor.
func (w *sweep) follow(id int) {
	if g := w.curves.carry(w.scope, id, w.total(port{id, 0})); g.Op != nil {
		w.add(w.curves.of[id], g)
	}
}

func (w *sweep) run() error {
	for i := len(w.path.order) - 1; i >= 0 && w.scope.Err() == nil; i-- {
		id := w.path.order[i]
		n := &w.path.nodes[id]
		if w.sums[id] == nil || !n.passes() {
			continue
		}
		if w.curves.deep[id] {
			w.follow(id)
			continue
		}
		c := &call{op: n.op, in: n.in, wants: n.wants, of: Of, up: make([]tf.Output, len(n.active))}
		for o := range c.up {
			c.up[o] = w.total(port{id, o})
		}
		if w.guided && rectifies(n.kind) && c.up[0].Op != nil {
			c.up[0] = w.scope.One("Relu", nil, c.up[0])
		}
		gradients := table[n.kind].rule(w.scope, c)
		if err := w.scope.Err(); err != nil {
			return fmt.Errorf("differentiate %s (%s): %w", n.op.Name(), n.kind, err)
		}
		for in, g := range gradients {
			if g.Op != nil && n.wants[in] {
				w.add(n.from[in], g)
			}
		}
	}
	return w.scope.Err()
}
