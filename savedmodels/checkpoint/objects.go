package checkpoint

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	"github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

const (
	objectGraphKey = "_CHECKPOINTABLE_OBJECT_GRAPH"
	variableValue  = "VARIABLE_VALUE"
	// maxObjectBytes bounds the description of the objects, not their values.
	maxObjectBytes = 256 << 20
)

// KeyOf returns the key of the variable that is reached from the root object by the given attribute names: the way in which
// Python's tf.saved_model.load finds it.
func (c *Checkpoint) KeyOf(path []string) (string, error) {
	key, err := c.keyOf(path)
	if err != nil {
		return "", fmt.Errorf("find %s in checkpoint %s: %w", strings.Join(path, "."), c.prefix, err)
	}
	return key, nil
}

func (c *Checkpoint) keyOf(path []string) (string, error) {
	objects, err := c.objectGraph()
	if err != nil {
		return "", err
	}
	id := int32(0)
	for _, name := range path {
		next := int32(-1)
		for _, child := range objects[id].GetChildren() {
			if child.GetLocalName() == name {
				next = child.GetNodeId()
			}
		}
		if next < 0 || int(next) >= len(objects) {
			return "", fmt.Errorf("there is no object %q", name)
		}
		id = next
	}
	for _, attribute := range objects[id].GetAttributes() {
		if attribute.GetName() == variableValue {
			return attribute.GetCheckpointKey(), nil
		}
	}
	return "", fmt.Errorf("the object has no value")
}

// objectGraph reads the objects once.
func (c *Checkpoint) objectGraph() ([]*for_core_protos_go_proto.TrackableObjectGraph_TrackableObject, error) {
	if c.objects != nil {
		return c.objects, nil
	}
	content, err := c.readString(objectGraphKey)
	if err != nil {
		return nil, err
	}
	var graph for_core_protos_go_proto.TrackableObjectGraph
	if err := proto.Unmarshal(content, &graph); err != nil {
		return nil, fmt.Errorf("parse its object graph: %w", err)
	}
	if len(graph.GetNodes()) == 0 {
		return nil, fmt.Errorf("its object graph is empty")
	}
	c.objects = graph.GetNodes()
	return c.objects, nil
}

// readString reads a scalar string: its length as a varint, a checksum of that, its bytes.
func (c *Checkpoint) readString(key string) ([]byte, error) {
	var entry for_core_protos_go_proto.BundleEntryProto
	value, ok := c.values[key]
	if !ok {
		return nil, fmt.Errorf("no key %q", key)
	}
	if err := proto.Unmarshal(value, &entry); err != nil {
		return nil, fmt.Errorf("parse index: %w", err)
	}
	if entry.GetDtype() != types_go_proto.DataType_DT_STRING || len(entry.GetShape().GetDim()) > 0 || entry.GetSize() > maxObjectBytes {
		return nil, fmt.Errorf("%q is not a string", key)
	}
	if err := c.checkPlace(&entry); err != nil {
		return nil, err
	}
	content, err := readSection(c.shard(&entry), entry.GetOffset(), entry.GetSize())
	if err != nil {
		return nil, err
	}
	length, n := binary.Uvarint(content)
	if n <= 0 || len(content) < n+4 || length != uint64(len(content)-n-4) {
		return nil, fmt.Errorf("%q is corrupt", key)
	}
	return content[n+4:], nil
}
