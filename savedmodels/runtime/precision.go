package runtime

import (
	"errors"
	"os"
	goruntime "runtime"

	protos "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"golang.org/x/sys/cpu"
)

// A Precision is that of the convolutions and matrix products of a session, and of what lies between them.
type Precision string

const (
	// Float32 has a graph computed as it stands. It is the zero value.
	Float32 Precision = ""
	// Bfloat16 has TensorFlow rewrite the graph: 8 bits in place of 24, at the range of float32. Feeds and fetches stay float32.
	Bfloat16 Precision = "bfloat16"
)

// String is the precision's name in a configuration.
func (p Precision) String() string {
	if p == Float32 {
		return "float32"
	}
	return string(p)
}

// Bfloat16Units returns what a processor has that multiplies in bfloat16, such as "AMX", or an error that says what is missing there,
// or in TensorFlow for this device.
func Bfloat16Units(d Device) (string, error) {
	if d.GPU {
		return "", errors.New("TensorFlow's rewriter makes bfloat16 only of what runs on a processor, not of what runs on a GPU")
	}
	if os.Getenv("TF_ENABLE_ONEDNN_OPTS") == "0" {
		return "", errors.New("its kernels are oneDNN's, which TF_ENABLE_ONEDNN_OPTS=0 in the environment switches off")
	}
	return units(goruntime.GOARCH, cpu.X86.HasAMXTile && cpu.X86.HasAMXBF16, cpu.X86.HasAVX512BF16)
}

// units names the units of a processor.
func units(architecture string, amx, avx512 bool) (string, error) {
	switch {
	case architecture != "amd64":
		return "", errors.New("it is known to work on x86-64 processors only, and this one is " + architecture)
	case amx:
		return "AMX", nil
	case avx512:
		return "AVX512_BF16", nil
	}
	return "", errors.New("this processor has neither AMX nor AVX512_BF16 units, without which it is slower than float32")
}

// rewriter returns what TensorFlow is to do to a graph of so many operations. It merges no operations into one ("remapping"): oneDNN's
// convolution that also adds a summand keeps the summand's memory in the operation itself, so that two calls at once make each other's
// results wrong, or crash. What merging saves is less than two runs of a benchmark differ by.
func rewriter(operations int, p Precision) *protos.GraphOptions {
	options := &protos.RewriterConfig{Remapping: protos.RewriterConfig_OFF}
	switch {
	case operations > maxRewritten:
		options.DisableMetaOptimizer = true
	case p == Bfloat16:
		options.AutoMixedPrecisionOnednnBfloat16 = protos.RewriterConfig_ON
	}
	return &protos.GraphOptions{RewriteOptions: options}
}
