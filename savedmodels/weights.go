package savedmodels

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"upi/savedmodels/checkpoint"
	"upi/savedmodels/graphdef"
	"upi/savedmodels/ops"
	"upi/savedmodels/tensors"

	tf "github.com/wamuir/graft/tensorflow"
)

// readWeights reads the value of each variable in the graph.
func (m *Model) readWeights(prefix string) error {
	if len(m.graph.Variables) == 0 {
		return nil
	}
	values, err := checkpoint.Open(prefix)
	if err != nil {
		return err
	}
	identity := sha256.New()
	m.weights = make([]*tf.Tensor, len(m.graph.Variables))
	m.types = make([]tf.DataType, len(m.graph.Variables))
	for i, n := range m.graph.Variables {
		if m.weights[i], err = readWeight(values, n.Variable, identity); err != nil {
			return fmt.Errorf("variable %q: %w", n.Variable.Name, err)
		}
		n.Variable.Position, m.types[i] = i, tf.DataType(n.Variable.DType)
	}
	m.weightsID = hex.EncodeToString(identity.Sum(nil)[:8])
	return nil
}

// readWeight reads a variable's value, and writes to identity what tells it from others: its key, type, shape and checksum.
func readWeight(values *checkpoint.Checkpoint, v *graphdef.Variable, identity io.Writer) (*tf.Tensor, error) {
	key := v.Key
	if key == "" {
		var err error
		if key, err = values.KeyOf(v.Path); err != nil {
			return nil, err
		}
	}
	value, err := values.Read(key)
	if err != nil {
		return nil, err
	}
	if value.DType != v.DType || !matches(v.Shape, value.Shape) {
		return nil, fmt.Errorf("the checkpoint holds %s%s, the graph wants %s%s", graphdef.TypeName(value.DType),
			graphdef.ShapeString(value.Shape), graphdef.TypeName(v.DType), graphdef.ShapeString(v.Shape))
	}
	fmt.Fprintf(identity, "%q %d %v %08x\n", key, value.DType, value.Shape, crc32.ChecksumIEEE(value.Bytes))
	return tf.ReadTensor(storage(tf.DataType(v.DType)), value.Shape, bytes.NewReader(value.Bytes))
}

// matches says whether a shape is one that an open shape (-1; nil: any rank) allows.
func matches(open, shape []int64) bool {
	return open == nil || slices.EqualFunc(open, shape, func(a, b int64) bool { return a < 0 || a == b })
}

// storage is the type that stands in for 16-bit floats in a tensor, since the binding cannot fill those.
func storage(t tf.DataType) tf.DataType {
	if t == tf.Half || t == tf.Bfloat16 {
		return tf.Uint16
	}
	return t
}

// smallWeight is the number of bytes up to which a variable becomes a constant, which TensorFlow can fold into others.
const smallWeight = 4 << 10

// addWeights returns the variables' values in g, made at the first call and shared by all that follow. Large ones are variables
// of the session, which Initialize sets: as constants of the graph they would be copied many times over.
func (m *Model) addWeights(g *tf.Graph) ([]tf.Output, error) {
	s := ops.NewScope(g, "weights")
	outputs := make([]tf.Output, len(m.weights))
	for i, w := range m.weights {
		name, dtype := m.weightName(i), m.types[i]
		switch op := g.Operation(name); {
		case op != nil:
			outputs[i] = op.Output(0)
		case storage(dtype) != dtype:
			outputs[i] = s.Named(name, "Bitcast", ops.Attrs{"type": dtype}, constant(s, name+"/bits", w))
		case 4*tensors.Elements(w.Shape()) > smallWeight:
			outputs[i] = variable(s, name, w)
		default:
			outputs[i] = constant(s, name, w)
		}
		if err := s.Err(); err != nil {
			return nil, fmt.Errorf("add variable %d: %w", i, err)
		}
	}
	return outputs, nil
}

// Initialize sets the network's variables in a session of a graph that Build was called on, or of a copy of that graph, by a call
// of the session's run. It is to be called once, before anything else is run.
func (m *Model) Initialize(g *tf.Graph, run func(feeds map[tf.Output]*tf.Tensor, targets []*tf.Operation) error) error {
	feeds := map[tf.Output]*tf.Tensor{}
	var targets []*tf.Operation
	for i, w := range m.weights {
		assign := g.Operation(m.weightName(i) + assignSuffix)
		if assign == nil {
			continue
		}
		feeds[g.Operation(m.weightName(i)+valueSuffix).Output(0)] = w
		targets = append(targets, assign)
	}
	if len(targets) == 0 {
		return nil
	}
	if err := run(feeds, targets); err != nil {
		return fmt.Errorf("set the network's variables: %w", err)
	}
	return nil
}

// weightName says whose weights they are, so that several models fit into one graph.
func (m *Model) weightName(i int) string { return fmt.Sprintf("weights/%s/%d", m.weightsID, i) }

func constant(s *ops.Scope, name string, value *tf.Tensor) tf.Output {
	return s.Named(name, "Const", ops.Attrs{"dtype": value.DataType(), "value": value})
}

// The operations beside a variable: the placeholder of its value, and what sets it.
const (
	valueSuffix  = "/value"
	assignSuffix = "/assign"
)

// variable adds a variable of value's shape, and returns what reads it.
func variable(s *ops.Scope, name string, value *tf.Tensor) tf.Output {
	dtype, shape := value.DataType(), tf.MakeShape(value.Shape()...)
	handle := s.Named(name+"/handle", "VarHandleOp", ops.Attrs{"dtype": dtype, "shape": shape, "shared_name": name})
	fed := s.Named(name+valueSuffix, "Placeholder", ops.Attrs{"dtype": dtype, "shape": shape})
	s.Named(name+assignSuffix, "AssignVariableOp", ops.Attrs{"dtype": dtype}, handle, fed)
	return s.Named(name, "ReadVariableOp", ops.Attrs{"dtype": dtype}, handle)
}
