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
	outputs := make([]tf.Output, len(m.weights))
	for i, w := range m.weights {
		name := m.weightName(i)
		dtype := m.types[i]
		op := g.Operation(name)
		var err error
		switch {
		case op != nil:
		case storage(dtype) != dtype:
			op, err = bitcast(g, name, w, dtype)
		case 4*tensors.Elements(w.Shape()) > smallWeight:
			op, err = variable(g, name, w)
		default:
			op, err = constant(g, name, w)
		}
		if err != nil {
			return nil, fmt.Errorf("add variable %d: %w", i, err)
		}
		outputs[i] = op.Output(0)
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

func constant(g *tf.Graph, name string, value *tf.Tensor) (*tf.Operation, error) {
	return g.AddOperation(tf.OpSpec{
		Type: "Const", Name: name, Attrs: map[string]any{"dtype": value.DataType(), "value": value},
	})
}

// The operations beside a variable: the placeholder of its value, and what sets it.
const (
	valueSuffix  = "/value"
	assignSuffix = "/assign"
)

// variable adds a variable of value's shape, and returns the operation that reads it.
func variable(g *tf.Graph, name string, value *tf.Tensor) (*tf.Operation, error) {
	dtype, shape := value.DataType(), tf.MakeShape(value.Shape()...)
	handle, err := g.AddOperation(tf.OpSpec{
		Type: "VarHandleOp", Name: name + "/handle", Attrs: map[string]any{"dtype": dtype, "shape": shape, "shared_name": name},
	})
	if err != nil {
		return nil, err
	}
	fed, err := g.AddOperation(tf.OpSpec{
		Type: "Placeholder", Name: name + valueSuffix, Attrs: map[string]any{"dtype": dtype, "shape": shape},
	})
	if err != nil {
		return nil, err
	}
	if _, err := g.AddOperation(tf.OpSpec{
		Type: "AssignVariableOp", Name: name + assignSuffix, Input: []tf.Input{handle.Output(0), fed.Output(0)},
		Attrs: map[string]any{"dtype": dtype},
	}); err != nil {
		return nil, err
	}
	return g.AddOperation(tf.OpSpec{
		Type: "ReadVariableOp", Name: name, Input: []tf.Input{handle.Output(0)}, Attrs: map[string]any{"dtype": dtype},
	})
}

func bitcast(g *tf.Graph, name string, value *tf.Tensor, dtype tf.DataType) (*tf.Operation, error) {
	bits, err := constant(g, name+"/bits", value)
	if err != nil {
		return nil, err
	}
	return g.AddOperation(tf.OpSpec{
		Type: "Bitcast", Name: name, Input: []tf.Input{bits.Output(0)}, Attrs: map[string]any{"type": dtype},
	})
}
