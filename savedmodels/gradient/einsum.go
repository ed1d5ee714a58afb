package gradient

import (
	"fmt"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"
)

const ellipsis = "..."

// equation is an Einsum equation of one operand or two. Operands and result are
// labels, one per axis, and perhaps an ellipsis.
type equation struct {
	operands []string
	result   string
	// broadcast says that an axis of size 1 in one operand's ellipsis may stand
	// for more in the other's.
	broadcast bool
}

func equationOf(op *tf.Operation) (equation, error) {
	v, err := op.Attr("equation")
	if err != nil {
		return equation{}, err
	}
	text, _ := v.(string)
	left, right, ok := strings.Cut(strings.ReplaceAll(text, " ", ""), "->")
	if !ok {
		return equation{}, fmt.Errorf("equation %q has no arrow", text)
	}
	e := equation{operands: strings.Split(left, ","), result: right}
	if strings.Contains(left, ellipsis) && !strings.Contains(right, ellipsis) {
		return equation{}, fmt.Errorf("equation %q sums over an ellipsis", text)
	}
	for _, labels := range append([]string{right}, e.operands...) {
		bare := strings.Replace(labels, ellipsis, "", 1)
		for i, l := range bare {
			if strings.ContainsRune(bare[i+1:], l) {
				return equation{}, fmt.Errorf("equation %q repeats label %c within one tensor", text, l)
			}
		}
	}
	e.broadcast = len(e.operands) == 2 && strings.Contains(left, ellipsis)
	for _, labels := range e.operands {
		if e.broadcast && strings.Index(labels, ellipsis) > 0 {
			return equation{}, fmt.Errorf("equation %q has an ellipsis that is not in front", text)
		}
	}
	return e, nil
}

func einsumRefused(n *node) string {
	if _, err := equationOf(n.op); err != nil {
		return err.Error()
	}
	return ""
}

// einsumGrad contracts the gradient of the result with the other operand.
func einsumGrad(s *scope, c *call) []tf.Output {
	e, err := equationOf(c.op)
	if err != nil {
		s.Fail(err)
		return nil
	}
	in := make([]tf.Output, len(c.in))
	for i := range in {
		if !c.wants[i] {
			continue
		}
		sources, labels := tf.OutputList{c.up[0]}, []string{e.result}
		if len(c.in) == 2 {
			sources, labels = append(sources, c.in[1-i]), append(labels, e.operands[1-i])
		}
		in[i] = s.contract(sources, labels, c.in[i], e.operands[i])
		if e.broadcast {
			in[i] = s.sumTo(in[i], c.in[i])
		}
	}
	return in
}

// contract makes a tensor with x's labels out of sources with theirs, and with their
// ellipsis in front if x has none. A label that no source has was summed away alone:
// the gradient is repeated along it.
func (s *scope) contract(sources tf.OutputList, labels []string, x tf.Output, want string) tf.Output {
	left := strings.Join(labels, ",")
	have := want
	for _, l := range want {
		if !strings.ContainsRune(left, l) {
			have = strings.Replace(have, string(l), "", 1)
		}
	}
	g := sources[0]
	out := have
	if strings.Contains(left, ellipsis) && !strings.Contains(have, ellipsis) {
		out = ellipsis + have
	}
	if left != out {
		g = s.One("Einsum", attrs{"equation": left + "->" + out}, sources)
	}
	if have == want {
		return g
	}
	for _, axis := range absent(want, have) {
		g = s.One("ExpandDims", nil, g, s.Constant(axis))
	}
	return s.Mul(g, s.Fill(x, 1))
}

// absent lists the axes of want that have lacks, in an order in which ExpandDims can
// put them back: those before an ellipsis from the first, those after it, and all if
// there is none, from the last.
func absent(want, have string) []int32 {
	before, after, found := strings.Cut(want, ellipsis)
	if !found {
		before, after = "", want
	}
	var axes []int32
	for i := len(after) - 1; i >= 0; i-- {
		if !strings.Contains(have, after[i:i+1]) {
			axes = append(axes, int32(i-len(after)))
		}
	}
	for i := range before {
		if !strings.Contains(have, before[i:i+1]) {
			axes = append(axes, int32(i))
		}
	}
	return axes
}
