package gradient

import (
	"fmt"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"
)

// equation is an Einsum equation without ellipses: one label per axis.
type equation struct {
	operands []string
	result   string
	// broadcasts says that axes of size 1 may stand for those of an ellipsis.
	broadcasts bool
}

// parseEquation writes ellipses out; ranks are those of the operands.
func parseEquation(text string, ranks []int) (equation, error) {
	left, right, ok := strings.Cut(strings.ReplaceAll(text, " ", ""), "->")
	if !ok {
		return equation{}, fmt.Errorf("equation %q has no arrow", text)
	}
	operands := strings.Split(left, ",")
	if len(operands) != len(ranks) {
		return equation{}, fmt.Errorf("equation %q has %d operands, %d given", text, len(operands), len(ranks))
	}
	free := unusedLabels(text)
	most := 0
	for i, o := range operands {
		labels := strings.Replace(o, "...", "", 1)
		batch := ranks[i] - len(labels)
		if batch < 0 || batch > len(free) || (batch > 0 && labels == o) {
			return equation{}, fmt.Errorf("equation %q does not fit operand %d of rank %d", text, i, ranks[i])
		}
		// Ellipses are aligned at their last axis.
		operands[i] = strings.Replace(o, "...", free[len(free)-batch:], 1)
		most = max(most, batch)
	}
	result := strings.Replace(right, "...", free[len(free)-most:], 1)
	e := equation{operands: operands, result: result, broadcasts: len(operands) > 1 && most > 0}
	for _, labels := range append([]string{result}, operands...) {
		for i, l := range labels {
			if strings.ContainsRune(labels[i+1:], l) {
				return equation{}, fmt.Errorf("label %c is repeated within one tensor", l)
			}
		}
	}
	return e, nil
}

func unusedLabels(text string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	var free strings.Builder
	for _, l := range letters {
		if !strings.ContainsRune(text, l) {
			free.WriteRune(l)
		}
	}
	return free.String()
}

func equationOf(op *tf.Operation, in []tf.Output) (equation, error) {
	text, err := op.Attr("equation")
	if err != nil {
		return equation{}, err
	}
	ranks := make([]int, len(in))
	for i, t := range in {
		d := dims(t)
		if d == nil {
			return equation{}, fmt.Errorf("operand %d has no known rank", i)
		}
		ranks[i] = len(d)
	}
	return parseEquation(text.(string), ranks)
}

func einsumRefused(n *node) string {
	if len(n.in) > 2 {
		return "more than two operands"
	}
	if _, err := equationOf(n.op, n.in); err != nil {
		return err.Error()
	}
	return ""
}

// einsumGrad contracts the gradient of the result with the other operand.
func einsumGrad(s *scope, c *call) []tf.Output {
	e, err := equationOf(c.op, c.in)
	if err != nil {
		s.fail(err)
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
		if e.broadcasts {
			in[i] = s.sumTo(in[i], c.in[i])
		}
	}
	return in
}

// contract makes a tensor with x's labels out of sources with theirs. A label that no
// source has was summed away alone: the gradient is repeated along it.
func (s *scope) contract(sources tf.OutputList, labels []string, x tf.Output, want string) tf.Output {
	var have strings.Builder
	var missing []int32
	for i, l := range want {
		if strings.ContainsRune(strings.Join(labels, ""), l) {
			have.WriteRune(l)
		} else {
			missing = append(missing, int32(i))
		}
	}
	g := sources[0]
	if len(sources) > 1 || labels[0] != have.String() {
		g = s.one("Einsum", attrs{"equation": strings.Join(labels, ",") + "->" + have.String()}, sources)
	}
	for _, axis := range missing {
		g = s.one("ExpandDims", nil, g, s.constant(axis))
	}
	if len(missing) > 0 {
		g = s.mul(g, s.fill(x, 1))
	}
	return g
}
