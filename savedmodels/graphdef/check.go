package graphdef

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
)

// Refusal is an op that an inference graph may not hold.
type Refusal struct {
	Op       string
	Node     string
	Function string // "" for the main graph
	Reason   string
}

// RefusedError is the error of a model whose output needs an op that is refused.
type RefusedError struct {
	Refusal
	// Others are what else the output needs that is refused.
	Others []Refusal
}

// with adds another refusal, if any.
func (e *RefusedError) with(other *RefusedError) *RefusedError {
	switch {
	case other == nil:
	case e == nil:
		first := *other
		return &first
	case other.Refusal != e.Refusal:
		e.Others = append(e.Others, other.Refusal)
	}
	return e
}

func (e *RefusedError) Error() string {
	where := "in the main graph"
	if e.Function != "" {
		where = fmt.Sprintf("in function %q", e.Function)
	}
	message := fmt.Sprintf("op %s (node %q %s) is refused: %s", e.Op, e.Node, where, e.Reason)
	var others []string
	for _, o := range e.Others {
		if o.Op != e.Op && !slices.Contains(others, o.Op) {
			others = append(others, o.Op)
		}
	}
	if len(others) > 0 {
		message += "; the output also needs op " + strings.Join(others, ", op ")
	}
	return message
}

func (b *body) refuse(n *node_def_go_proto.NodeDef, reason string) *RefusedError {
	return &RefusedError{Refusal: Refusal{Op: n.GetOp(), Node: n.GetName(), Function: b.name, Reason: reason}}
}
