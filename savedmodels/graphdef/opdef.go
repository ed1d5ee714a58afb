package graphdef

import (
	"strings"

	"github.com/wamuir/graft/tensorflow/core/framework/op_def_go_proto"
)

// outputArgs are the outputs of the allowed ops that have more than one: name, or name*attr for a list as long as that
// attribute says (a number, or a list of types). Exporters leave ops out of the file's own definitions that occur only in
// the branches of a condition.
var outputArgs = map[string]string{
	"ConcatOffset":            "offset*N",
	"DynamicPartition":        "outputs*num_partitions",
	"FusedBatchNorm":          "y batch_mean batch_variance reserve_space_1 reserve_space_2",
	"FusedBatchNormV2":        "y batch_mean batch_variance reserve_space_1 reserve_space_2",
	"FusedBatchNormV3":        "y batch_mean batch_variance reserve_space_1 reserve_space_2 reserve_space_3",
	"IdentityN":               "output*T",
	"ApproxTopK":              "values indices",
	"MaxPoolWithArgmax":       "output argmax",
	"ShapeN":                  "output*N",
	"Split":                   "output*num_split",
	"SplitV":                  "output*num_split",
	"TopK":                    "values indices",
	"TopKV2":                  "values indices",
	"Unique":                  "y idx",
	"UniqueV2":                "y idx",
	"Unpack":                  "output*num",
	"PartitionedCall":         "output*Tout",
	"StatefulPartitionedCall": "output*Tout",
	"If":                      "output*Tout",
	"StatelessIf":             "output*Tout",
	"Case":                    "output*Tout",
	"StatelessCase":           "output*Tout",
	"While":                   "output*T",
	"StatelessWhile":          "output*T",
}

// definition is what is known of an op: the file's own definition, else the table's. Nil stands for an op with one output,
// whatever its name.
func (m *SavedModel) definition(op string) *op_def_go_proto.OpDef {
	if def := m.ops[op]; def != nil {
		return def
	}
	args, ok := outputArgs[op]
	if !ok {
		return nil
	}
	def := &op_def_go_proto.OpDef{Name: op}
	for _, arg := range strings.Fields(args) {
		name, attr, isList := strings.Cut(arg, "*")
		out := &op_def_go_proto.OpDef_ArgDef{Name: name}
		switch {
		case isList && strings.HasPrefix(attr, "T"):
			out.TypeListAttr = attr
		case isList:
			out.NumberAttr = attr
		}
		def.OutputArg = append(def.OutputArg, out)
	}
	m.ops[op] = def
	return def
}
