package gradient

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// port is an output of a node of a path.
type port struct{ node, index int }

// node is an operation from which a y can be reached.
type node struct {
	op   *tf.Operation
	kind string
	in   []tf.Output
	from []port // producers of the inputs; node -1 where the derivative ends
	// wants says which inputs depend on an x, active which outputs do.
	wants  []bool
	active []bool
}

// passes reports whether a gradient goes on from the node to one of its inputs.
func (n *node) passes() bool {
	for _, w := range n.wants {
		if w {
			return true
		}
	}
	return false
}

// complex reports whether a complex tensor goes in or out on the way from an x.
func (n *node) complex() bool {
	for i, in := range n.in {
		if n.wants[i] && ops.IsComplex(in.DataType()) {
			return true
		}
	}
	for o, active := range n.active {
		if active && ops.IsComplex(n.op.Output(o).DataType()) {
			return true
		}
	}
	return false
}

// path is the part of a graph between xs and ys: all operations from which a
// differentiable edge leads towards a y, with what depends on an x marked.
type path struct {
	nodes []node
	ids   map[tf.Operation]int
	order []int  // producers before consumers
	done  []bool // nodes that are in order
}

// findPath asks for producers rather than for consumers: what hangs on the
// graph elsewhere, such as earlier gradients, then costs nothing.
func findPath(ys, xs []tf.Output) (*path, error) {
	p := &path{ids: make(map[tf.Operation]int)}
	for _, y := range ys {
		if err := p.walk(y.Op); err != nil {
			return nil, err
		}
	}
	for _, x := range xs {
		if at, ok := p.find(x); ok {
			p.nodes[at.node].active[at.index] = true
		}
	}
	for _, id := range p.order {
		p.mark(&p.nodes[id])
	}
	return p, nil
}

func (p *path) find(t tf.Output) (port, bool) {
	id, ok := p.ids[*t.Op]
	return port{id, t.Index}, ok
}

// walk visits everything upstream of op, depth first, without recursion:
// chains of many thousand operations are common.
func (p *path) walk(op *tf.Operation) error {
	if _, seen := p.ids[*op]; seen {
		return nil
	}
	type step struct{ node, next int }
	stack := []step{{p.visit(op), 0}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		id := top.node
		if top.next == len(p.nodes[id].in) {
			p.done[id] = true
			p.order = append(p.order, id)
			stack = stack[:len(stack)-1]
			continue
		}
		i := top.next
		top.next++
		if p.nodes[id].from[i].node < 0 {
			continue
		}
		producer := p.nodes[id].in[i]
		to, seen := p.ids[*producer.Op]
		if !seen {
			to = p.visit(producer.Op)
			stack = append(stack, step{to, 0})
		} else if !p.done[to] {
			return fmt.Errorf("differentiate: operation %s is part of a loop; loops cannot be differentiated", producer.Op.Name())
		}
		p.nodes[id].from[i] = port{to, producer.Index}
	}
	return nil
}

func (p *path) visit(op *tf.Operation) int {
	n := node{op: op, kind: kindOf(op), active: make([]bool, op.NumOutputs())}
	count := op.NumInputs()
	n.in = make([]tf.Output, count)
	n.from = make([]port, count)
	n.wants = make([]bool, count)
	for i := range n.in {
		in := tf.Consumer{Op: op, Index: i}
		n.in[i] = in.Producer()
		if !ops.Carries(in.DataType()) || !table[n.kind].follows(i) {
			n.from[i].node = -1
		}
	}
	id := len(p.nodes)
	p.ids[*op] = id
	p.nodes = append(p.nodes, n)
	p.done = append(p.done, false)
	return id
}

// kindOf is an operation's type, or what kind of IdentityN it is.
func kindOf(op *tf.Operation) string {
	kind := op.Type()
	if kind == "IdentityN" {
		marked, err := op.Attr(gradientOf)
		if err == nil && (marked == slopeGiven || marked == inputGiven) {
			return marked.(string)
		}
	}
	return kind
}

// mark finds out whether n depends on an x, its producers being marked.
func (p *path) mark(n *node) {
	for i, at := range n.from {
		if at.node >= 0 && p.nodes[at.node].active[at.index] {
			n.wants[i] = true
		}
	}
	if !n.passes() {
		return
	}
	for o := range n.active {
		if ops.Carries(n.op.Output(o).DataType()) {
			n.active[o] = true
		}
	}
}

// missing returns a *MissingRuleError if an operation of the path cannot be
// differentiated.
func (p *path) missing() error {
	var e MissingRuleError
	for _, id := range p.order {
		n := &p.nodes[id]
		if !n.passes() {
			continue
		}
		r, ok := table[n.kind]
		if !ok {
			e.Ops = append(e.Ops, MissingRule{Type: n.kind, Name: n.op.Name()})
		} else if n.complex() && !r.complex {
			e.Ops = append(e.Ops, MissingRule{Type: n.kind, Name: n.op.Name(), Reason: "complex numbers"})
		} else if r.refuse != nil {
			if why := r.refuse(n); why != "" {
				e.Ops = append(e.Ops, MissingRule{Type: n.kind, Name: n.op.Name(), Reason: why})
			}
		}
	}
	if len(e.Ops) == 0 {
		return nil
	}
	return &e
}
