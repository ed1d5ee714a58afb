// Package checkpoint reads the variables of a TensorFlow checkpoint (prefix.index and prefix.data-NNNNN-of-NNNNN) without
// TensorFlow, so that a corrupt or hostile file is an error and nothing of the model has to run to get at its weights.
package checkpoint

import (
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	"github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"upi/savedmodels/tensors"
)

const (
	maxIndexBytes = 256 << 20
	maxShards     = 10_000
)

// Checkpoint is the index of a checkpoint. Values are read when asked for.
type Checkpoint struct {
	prefix string
	shards int32
	values map[string][]byte // serialised BundleEntryProto

	objects []*for_core_protos_go_proto.TrackableObjectGraph_TrackableObject // read when first asked for
}

// Tensor is one variable's value: little-endian bytes in row-major order.
type Tensor struct {
	DType types_go_proto.DataType
	Shape []int64
	Bytes []byte
}

// Open reads the index of the checkpoint with the given prefix, such as "model/variables/variables". The error names the file.
func Open(prefix string) (*Checkpoint, error) {
	path := prefix + ".index"
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open checkpoint: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxIndexBytes+1))
	if err != nil {
		return nil, fmt.Errorf("open checkpoint %s: %w", path, err)
	}
	if len(content) > maxIndexBytes {
		return nil, fmt.Errorf("open checkpoint %s: larger than %d bytes", path, maxIndexBytes)
	}
	c, err := parseIndex(content)
	if err != nil {
		return nil, fmt.Errorf("open checkpoint %s: %w", path, err)
	}
	c.prefix = prefix
	return c, nil
}

func parseIndex(content []byte) (*Checkpoint, error) {
	values, err := readTable(content)
	if err != nil {
		return nil, err
	}
	var header for_core_protos_go_proto.BundleHeaderProto
	if err := proto.Unmarshal(values[""], &header); err != nil {
		return nil, fmt.Errorf("parse header: %w", err)
	}
	if header.GetEndianness() != for_core_protos_go_proto.BundleHeaderProto_LITTLE {
		return nil, fmt.Errorf("written on a big-endian machine")
	}
	if header.GetNumShards() < 1 || header.GetNumShards() > maxShards {
		return nil, fmt.Errorf("%d data files", header.GetNumShards())
	}
	delete(values, "")
	return &Checkpoint{shards: header.GetNumShards(), values: values}, nil
}

// Read returns a variable's value. It is an error, naming key and file, if there is none, if it is not a dense numeric tensor,
// or if its bytes are not all there or do not match their checksum.
func (c *Checkpoint) Read(key string) (Tensor, error) {
	entry, err := c.entry(key)
	if err != nil {
		return Tensor{}, fmt.Errorf("read %q from checkpoint %s: %w", key, c.prefix, err)
	}
	path := c.shard(entry)
	t := Tensor{DType: entry.GetDtype(), Shape: tensors.Shape(entry.GetShape())}
	if t.Bytes, err = readSection(path, entry.GetOffset(), entry.GetSize()); err != nil {
		return Tensor{}, fmt.Errorf("read %q: %w", key, err)
	}
	if crc32.Checksum(t.Bytes, castagnoli) != unmask(entry.GetCrc32C()) {
		return Tensor{}, fmt.Errorf("read %q: %s is corrupt: the checksum differs", key, path)
	}
	return t, nil
}

// entry parses and checks what the index says of a key.
func (c *Checkpoint) entry(key string) (*for_core_protos_go_proto.BundleEntryProto, error) {
	value, ok := c.values[key]
	if !ok {
		return nil, fmt.Errorf("no such key")
	}
	var entry for_core_protos_go_proto.BundleEntryProto
	if err := proto.Unmarshal(value, &entry); err != nil {
		return nil, fmt.Errorf("parse index: %w", err)
	}
	size, known := tensors.ElementBytes[entry.GetDtype()]
	switch {
	case len(entry.GetSlices()) > 0:
		return nil, fmt.Errorf("partitioned variables are not supported")
	case !known:
		return nil, fmt.Errorf("type %v is not supported", entry.GetDtype())
	case entry.GetShape().GetUnknownRank():
		return nil, fmt.Errorf("its shape is not known")
	case !fits(entry.GetSize(), size, tensors.Shape(entry.GetShape())):
		return nil, fmt.Errorf("%d bytes for shape %v of %v", entry.GetSize(), tensors.Shape(entry.GetShape()), entry.GetDtype())
	}
	return &entry, c.checkPlace(&entry)
}

func (c *Checkpoint) checkPlace(entry *for_core_protos_go_proto.BundleEntryProto) error {
	if entry.GetShardId() < 0 || entry.GetShardId() >= c.shards {
		return fmt.Errorf("data file %d of %d", entry.GetShardId(), c.shards)
	}
	if entry.GetOffset() < 0 || entry.GetSize() < 0 {
		return fmt.Errorf("%d bytes at %d", entry.GetSize(), entry.GetOffset())
	}
	return nil
}

// shard is the data file that an entry points to.
func (c *Checkpoint) shard(entry *for_core_protos_go_proto.BundleEntryProto) string {
	return fmt.Sprintf("%s.data-%05d-of-%05d", c.prefix, entry.GetShardId(), c.shards)
}

// fits says whether a shape takes exactly so many bytes. It divides, because the product may overflow.
func fits(bytes, element int64, dims []int64) bool {
	left, empty := bytes, false
	for _, d := range append([]int64{element}, dims...) {
		if d < 0 || d > 0 && left%d != 0 {
			return false
		}
		if d == 0 {
			empty = true
			continue
		}
		left /= d
	}
	return empty && bytes == 0 || !empty && left == 1
}

func readSection(path string, offset, size int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	// Checked before allocating: the size is whatever the index claims.
	if offset > info.Size() || size > info.Size()-offset {
		return nil, fmt.Errorf("%s is truncated: %d bytes, %d are needed", path, info.Size(), offset+size)
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, offset); err != nil && size > 0 {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}
