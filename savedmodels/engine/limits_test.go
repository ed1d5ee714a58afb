package engine

import (
	"slices"
	"testing"

	"upi/savedmodels/runtime"
)

func gpu(index int) runtime.Device { return runtime.Device{GPU: true, Index: index} }

// TestSlots: a slot for each worker of the CPU, two for each GPU whatever the workers, so that the first calls go to different GPUs.
func TestSlots(t *testing.T) {
	for _, c := range []struct {
		devices []runtime.Device
		workers int
		want    []runtime.Device
	}{
		{[]runtime.Device{{}}, 3, []runtime.Device{{}, {}, {}}},
		{[]runtime.Device{gpu(0)}, 1, []runtime.Device{gpu(0), gpu(0)}},
		{[]runtime.Device{gpu(1), gpu(2)}, 16, []runtime.Device{gpu(1), gpu(2), gpu(1), gpu(2)}},
	} {
		if got := slots(c.devices, c.workers); !slices.Equal(got, c.want) {
			t.Errorf("%v, %d workers: %v, want %v", c.devices, c.workers, got, c.want)
		}
	}
}

// TestLimits counts batches by hand, for a model of 100 MiB whose calls take a fixed memory for each unit of images.
func TestLimits(t *testing.T) {
	const gib, mib = 1 << 30, 1 << 20
	for _, c := range []struct {
		name string
		Options
		unit int   // images that the model takes at a time
		each int64 // bytes of one unit
		want int   // units; 0 where there is no room for one
	}{
		{"a core takes 32", Options{Devices: []runtime.Device{{}}, Workers: 2, Memory: 4 * gib}, 1, mib / 2, 32},
		// 24 MiB are 12 images, and 8 is a power of two
		{"what the caches hold", Options{Devices: []runtime.Device{{}}, Workers: 2, Memory: 4 * gib}, 1, 2 * mib, 8},
		{"at least 4", Options{Devices: []runtime.Device{{}}, Workers: 2, Memory: 4 * gib}, 1, 50 * mib, 4},
		// (1024 - 512 - 200) / 2 = 156 MiB for each of two workers
		{"a core with little memory", Options{Devices: []runtime.Device{{}}, Workers: 2, Memory: gib}, 1, 50 * mib, 2},
		{"none", Options{Devices: []runtime.Device{{}}, Workers: 2, Memory: gib}, 1, 157 * mib, 0},
		{"units of 8 images", Options{Devices: []runtime.Device{{}}, Workers: 1, Memory: 4 * gib}, 8, mib, 4},
		{"large units of 8 images", Options{Devices: []runtime.Device{{}}, Workers: 1, Memory: 4 * gib}, 8, 50 * mib, 1},
		{"units above the largest batch", Options{Devices: []runtime.Device{{}}, Workers: 1, Memory: 4 * gib}, 64, mib, 1},
		{"deterministic", Options{Devices: []runtime.Device{{}}, Workers: 1, Memory: 4 * gib, FixedBatch: true}, 1, mib, 16},
		{"a GPU takes 512", Options{Devices: []runtime.Device{gpu(0)}, Workers: 8, DeviceMemory: 16 * gib}, 1, 10 * mib, 512},
		// (16384 - 2048 - 800) / 2 = 6768 MiB for each of two calls: 270 images, and 256 is a power of two
		{"a GPU's memory", Options{Devices: []runtime.Device{gpu(0)}, Workers: 8, Memory: gib, DeviceMemory: 16 * gib}, 1, 25 * mib, 256},
		// The same GPU with a little less free gives the same batch, and so the same numbers.
		{"and a little less", Options{Devices: []runtime.Device{gpu(0)}, Workers: 8, Memory: gib, DeviceMemory: 16*gib - 300*mib}, 1, 25 * mib, 256},
		{"a small GPU", Options{Devices: []runtime.Device{gpu(0)}, DeviceMemory: 3 * gib}, 1, 25 * mib, 4},
		{"a GPU in units of 8 images", Options{Devices: []runtime.Device{gpu(0)}, DeviceMemory: 16 * gib}, 8, mib, 64},
		{"a deterministic GPU", Options{Devices: []runtime.Device{gpu(0)}, DeviceMemory: 16 * gib, FixedBatch: true}, 1, mib, 16},
		{"two GPUs, each with its own memory", Options{Devices: []runtime.Device{gpu(0), gpu(1)}, DeviceMemory: 16 * gib}, 1, 25 * mib, 256},
	} {
		l := newLimits(c.Options)
		if got := l.fit(l.room(100*mib), c.each, runtime.Float32, c.unit); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// TestLimitsOfReducedPrecision: tensors of half the size, of which the caches hold twice as many; the memory's bound stays, for the
// values are computed in float32.
func TestLimitsOfReducedPrecision(t *testing.T) {
	const mib = 1 << 20
	l := newLimits(Options{Devices: []runtime.Device{{}}, Workers: 1, Memory: 4 << 30})
	for _, c := range []struct {
		room int64
		want int
	}{{1000 * mib, 16}, {10 * mib, 4}} {
		if got := l.fit(c.room, 2*mib, runtime.Bfloat16, 1); got != c.want {
			t.Errorf("a room of %d MiB: %d, want %d", c.room/mib, got, c.want)
		}
	}
}

// TestAtOnce: a machine may have fewer calls at once than workers, and its batches are of the same sizes.
func TestAtOnce(t *testing.T) {
	const gib = 1 << 30
	cpu := []runtime.Device{{}}
	all, one := New(Options{Devices: cpu, Workers: 4, Memory: gib}), New(Options{Devices: cpu, Workers: 4, AtOnce: 1, Memory: gib})
	if all.Width() != 4 || one.Width() != 1 {
		t.Errorf("%d and %d calls at once, want 4 and 1", all.Width(), one.Width())
	}
	if one.limits != all.limits {
		t.Errorf("batches are made for %+v and %+v", one.limits, all.limits)
	}
}
