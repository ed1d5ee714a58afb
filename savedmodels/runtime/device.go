// Package runtime runs TensorFlow graphs: devices, sessions, and tensors in and out of flat Go slices.
package runtime

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	protos "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// A Device is where a session runs its graph. The zero value is the CPU.
type Device struct {
	// GPU says whether the session runs on a GPU.
	GPU bool
	// Index is the GPU's number, counted from 0.
	Index int
}

// String returns "cpu" or "gpu:N", as a config writes it.
func (d Device) String() string {
	if d.GPU {
		return "gpu:" + strconv.Itoa(d.Index)
	}
	return "cpu"
}

// Kind returns "cpu" or "gpu": results of different kinds of device differ in the last bits.
func (d Device) Kind() string {
	kind, _, _ := strings.Cut(d.String(), ":")
	return kind
}

// Select resolves a config's device: "cpu", "gpu" (every GPU), "gpu:N" or "auto" (every GPU if there is one, or else the
// CPU). Each returned device is one worker's; the CPU stands alone. To ask for a GPU that is not there is an error that
// lists what is there.
func Select(name string) ([]Device, error) {
	if name == "cpu" {
		return []Device{{}}, nil
	}
	number, numbered := strings.CutPrefix(name, "gpu:")
	index, err := strconv.Atoi(number)
	if name != "auto" && name != "gpu" && (!numbered || err != nil || index < 0) {
		return nil, fmt.Errorf("device %q is none of auto, cpu, gpu, gpu:N", name)
	}
	present, err := Devices()
	if err != nil {
		return nil, err
	}
	var gpus []Device
	var names []string
	for _, d := range present {
		names = append(names, d.Name)
		if d.Type == "GPU" {
			gpus = append(gpus, Device{GPU: true, Index: len(gpus)})
		}
	}
	switch {
	case name == "auto" && len(gpus) == 0:
		return []Device{{}}, nil
	case numbered && index < len(gpus):
		return gpus[index : index+1], nil
	case numbered || len(gpus) == 0:
		return nil, fmt.Errorf("device %q is not there: TensorFlow sees only %s; build with TENSORFLOW=gpu, or set device: cpu",
			name, strings.Join(names, ", "))
	}
	return gpus, nil
}

// Memory is what the smallest of the GPUs can take, in bytes, as TensorFlow has found it when it first looked at them.
func Memory(gpus []Device) (int64, error) {
	present, err := Devices()
	if err != nil {
		return 0, err
	}
	return smallest(present, gpus)
}

func smallest(present []tf.Device, gpus []Device) (int64, error) {
	var bytes []int64
	for _, d := range present {
		if d.Type == "GPU" {
			bytes = append(bytes, d.MemoryLimitBytes)
		}
	}
	least := int64(math.MaxInt64)
	for _, gpu := range gpus {
		if !gpu.GPU || gpu.Index >= len(bytes) {
			return 0, fmt.Errorf("memory of %s: TensorFlow sees %d GPUs", gpu, len(bytes))
		}
		least = min(least, bytes[gpu.Index])
	}
	return least, nil
}

var devices = sync.OnceValues(func() ([]tf.Device, error) {
	if err := float32Products(); err != nil {
		return nil, err
	}
	config, err := proto.Marshal(&protos.ConfigProto{
		IntraOpParallelismThreads: 1,
		GpuOptions:                &protos.GPUOptions{AllowGrowth: true},
	})
	if err != nil {
		return nil, fmt.Errorf("encode session options: %w", err)
	}
	session, err := tf.NewSession(tf.NewGraph(), &tf.SessionOptions{Config: config})
	if err != nil {
		return nil, fmt.Errorf("open a session to list devices: %w", err)
	}
	defer session.Close()
	list, err := session.ListDevices()
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	return list, nil
})

// tf32 is how NVIDIA's libraries are told, before their first use, whether products of float32 may be made in TF32, whose
// 11 bits are too few for gradients of second order and for singular vectors. TensorFlow allows it otherwise, and has no
// setting in its C API.
const tf32 = "NVIDIA_TF32_OVERRIDE"

// float32Products keeps GPUs from TF32, unless the user's environment says otherwise.
func float32Products() error {
	if _, set := os.LookupEnv(tf32); set {
		return nil
	}
	if err := os.Setenv(tf32, "0"); err != nil {
		return fmt.Errorf("switch TF32 off: %w", err)
	}
	return nil
}

// Devices lists what TensorFlow sees: the CPU and each GPU.
func Devices() ([]tf.Device, error) { return devices() }

// maxRewritten is the number of operations above which TensorFlow runs a graph as it is. Its rewriters take time out of
// proportion to what they gain in a loop that was unrolled: 50 s for 12,488 operations that then run in 20 ms. Such a graph stays in
// float32 too.
const maxRewritten = 10_000

// config returns the options of a session on d. A CPU session runs each call in its caller's thread and never splits an
// operation: as many calls as there are cores, side by side, beat one call over all cores.
func config(d Device, operations int, p Precision) ([]byte, error) {
	options := &protos.ConfigProto{
		IntraOpParallelismThreads: 1,
		InterOpParallelismThreads: -1,
		AllowSoftPlacement:        true,
	}
	if d.GPU {
		options.InterOpParallelismThreads = 0
		options.GpuOptions = &protos.GPUOptions{AllowGrowth: true}
	} else {
		options.DeviceCount = map[string]int32{"GPU": 0}
	}
	options.GraphOptions = rewriter(operations, p)
	encoded, err := proto.Marshal(options)
	if err != nil {
		return nil, fmt.Errorf("encode session options: %w", err)
	}
	return encoded, nil
}

// pinned returns a copy of g whose operations ask for d. Those that have no kernel there still run on the CPU.
func pinned(g *tf.Graph, d Device) (*tf.Graph, error) {
	var buffer bytes.Buffer
	if _, err := g.WriteTo(&buffer); err != nil {
		return nil, fmt.Errorf("write graph: %w", err)
	}
	var def graph_go_proto.GraphDef
	if err := proto.Unmarshal(buffer.Bytes(), &def); err != nil {
		return nil, fmt.Errorf("decode graph: %w", err)
	}
	for _, node := range def.Node {
		node.Device = fmt.Sprintf("/device:GPU:%d", d.Index)
	}
	encoded, err := proto.Marshal(&def)
	if err != nil {
		return nil, fmt.Errorf("encode graph: %w", err)
	}
	pinned := tf.NewGraph()
	if err := pinned.Import(encoded, ""); err != nil {
		return nil, fmt.Errorf("import graph: %w", err)
	}
	return pinned, nil
}
