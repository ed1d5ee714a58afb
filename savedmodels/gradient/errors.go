package gradient

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"
)

// ErrNoPath says that no differentiable path leads from an x to a y: the
// derivative is zero whatever the values are, as opposed to merely small.
var ErrNoPath = errors.New("no differentiable path")

func noPath(xs []tf.Output) error {
	names := make([]string, len(xs))
	for i, x := range xs {
		names[i] = fmt.Sprintf("%s:%d", x.Op.Name(), x.Index)
	}
	return fmt.Errorf("differentiate with respect to %s: %w", strings.Join(names, ", "), ErrNoPath)
}

// MissingRule is an operation that stands in the way of a derivative.
type MissingRule struct {
	Type string // the operation's type, such as "LRN"
	Name string // the node's name in the graph
	// Reason is empty if the type has no rule at all, or says why its rule does
	// not cover this operation.
	Reason string
}

// MissingRuleError lists all operations on the path that cannot be
// differentiated, in the order in which the graph computes them.
type MissingRuleError struct {
	Ops []MissingRule
}

// Error names each type with the nodes that have it.
func (e *MissingRuleError) Error() string {
	nodes := make(map[string][]string)
	for _, m := range e.Ops {
		what := m.Type
		if m.Reason != "" {
			what += " (" + m.Reason + ")"
		}
		nodes[what] = append(nodes[what], m.Name)
	}
	kinds := make([]string, 0, len(nodes))
	for kind, names := range nodes {
		const shown = 3
		text := strings.Join(names[:min(shown, len(names))], ", ")
		if more := len(names) - shown; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		kinds = append(kinds, kind+" at "+text)
	}
	sort.Strings(kinds)
	return "differentiate: no rule for " + strings.Join(kinds, "; ")
}
