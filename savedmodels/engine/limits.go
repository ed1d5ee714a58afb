package engine

import (
	"fmt"
	"math/bits"

	"upi/savedmodels/runtime"
)

// callsPerGPU is how many calls run on one GPU at once: while one computes, the other's images and results are copied.
const callsPerGPU = 2

// slots lists a device for each call that may run at once: a core of the CPU each, or callsPerGPU times every GPU, in turn.
func slots(devices []runtime.Device, workers int) []runtime.Device {
	var all []runtime.Device
	if devices[0].GPU {
		for range callsPerGPU {
			all = append(all, devices...)
		}
		return all
	}
	for range workers {
		all = append(all, devices[0])
	}
	return all
}

// limits bound the batches of programs.
type limits struct {
	// memory, in bytes, is what the process may take or, on GPUs, what the smallest of them has.
	memory int64
	// reserved is the part of it that is taken without any batch or model, and models how many copies of a model there may be.
	reserved, models int64
	// calls are those that share the memory.
	calls int64
	// most is the largest batch, in images.
	most int
	// gpu tells whose memory it is.
	gpu bool
	// quick is the memory, in bytes, of the calls that are fastest per image, and fewest the least images in one; 0 where the
	// largest batch is the fastest.
	quick  int64
	fewest int
}

const (
	// overhead is the memory, in bytes, of the process without any batch: TensorFlow, graphs, Parquet pages.
	overhead = 512 << 20
	// gpuOverhead is that of a GPU: CUDA's context, what cuDNN and cuBLAS work in, and what an allocator leaves unused.
	gpuOverhead = 2 << 30

	// most is the largest batch on a core: larger ones are no faster there.
	most = 32
	// quickBytes is what a call on a core may take before its tensors are written to memory and read again from there, where a
	// smaller one finds them in the caches; below fewest images, what a call costs by itself weighs more. Measured with 2 MiB of
	// cache a core: second order of a VGG of 32 x 32 pixels (1.5 MiB an image) 560, 555, 545, 515 images/s in batches of 8, 16, 32
	// and 64, of a ViT (8 MiB) 198, 179, 178, 160 and 149 in those of 4, 8, 16, 32 and 64, of an EfficientNet-Lite0 of 224 x 224
	// (50 MiB) 22.2, 22.8, 22.8, 22.4 and 20.6 in those of 2, 4, 8, 16 and 32.
	quickBytes = 24 << 20
	fewest     = 4
	// gpuMost is that on a GPU.
	gpuMost = 512
	// fixedBatch is the batch where results must not depend on its size: kernels round differently in batches of different sizes.
	fixedBatch = 16
)

func newLimits(o Options) limits {
	l := limits{memory: o.Memory, reserved: overhead, models: 2, calls: int64(o.Workers), most: most, quick: quickBytes, fewest: fewest}
	if o.Devices[0].GPU {
		// Each session of a GPU has its own copy of the weights.
		l = limits{memory: o.DeviceMemory, reserved: gpuOverhead, models: 8, calls: callsPerGPU, most: gpuMost, gpu: true}
	}
	if o.FixedBatch {
		l.most, l.quick = fixedBatch, 0
	}
	return l
}

// taken is the memory beside the calls of a program, for a model of so many bytes.
func (l limits) taken(model int64) int64 { return l.reserved + l.models*model }

// room is the memory that one call may take.
func (l limits) room(model int64) int64 { return (l.memory - l.taken(model)) / l.calls }

// largest is the number of units in the largest batch, for a model that takes unit images at a time.
func (l limits) largest(unit int) int { return max(l.most/unit, 1) }

// fit is how many units of images a batch takes in a room of so many bytes, where each takes so many in float32; 0 where there is
// no room for one. It is a power of two: what a GPU has free varies a little from run to run, and results with the batch; and the
// images of a step then come out even.
func (l limits) fit(room, each int64, p runtime.Precision, unit int) int {
	n := min(room/each, int64(l.largest(unit)))
	if l.quick > 0 {
		if p == runtime.Bfloat16 {
			each = max(each/2, 1)
		}
		n = min(n, max(l.quick/each, int64(l.fewest/unit), 1))
	}
	if n < 1 {
		return 0
	}
	return 1 << (bits.Len64(uint64(n)) - 1)
}

// tooSmall says that a program's smallest batch finds no room.
func (l limits) tooSmall(kind string, smallest, model int64) error {
	what, remedy := "memory", "raise memory or lower workers"
	if l.gpu {
		what, remedy = "memory of the GPU", "take another device"
	}
	return fmt.Errorf("%s: %d MiB are too few for %s of this model, whose smallest batch takes %d MiB for each of %d calls beside %d MiB: %s",
		what, l.memory>>20, kind, smallest>>20, l.calls, l.taken(model)>>20, remedy)
}
