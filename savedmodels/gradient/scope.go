package gradient

import (
	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
)

// scope is where rules write: operations, and the combinations of them that several rules share.
type scope struct{ *ops.Scope }

type attrs = ops.Attrs

func newScope(g *tf.Graph, prefix string) *scope { return &scope{ops.NewScope(g, prefix)} }
