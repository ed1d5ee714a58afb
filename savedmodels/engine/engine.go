// Package engine holds what the tasks of a process share: the opened models, the programs built from them, and the slots in which
// a program may run.
package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"upi/savedmodels"
	"upi/savedmodels/runtime"
	"upi/savedmodels/saliency"
	"upi/setting"
)

// An Engine opens each model once and builds each program once per device. It is safe for concurrent use.
type Engine struct {
	// slots holds one device per call to TensorFlow that may run at once.
	slots   chan runtime.Device
	devices []runtime.Device
	limits  limits
	fixed   bool

	mu       sync.Mutex
	models   map[string]*once[*savedmodels.Model]
	programs map[string]*once[any]
	sizes    map[string]*once[int]
}

// Options say what an engine may use.
type Options struct {
	// Devices are the GPUs, or the CPU alone.
	Devices []runtime.Device
	// Workers is the number of calls at once on a CPU. Sizes of batches, and so the last bits of results, depend on it.
	Workers int
	// AtOnce, if it is not 0, is how many of them this machine is to have at once; no result depends on it.
	AtOnce int
	// Memory bounds, in bytes, what the programs of all calls together may take on a CPU.
	Memory int64
	// DeviceMemory is that of the smallest GPU, in bytes.
	DeviceMemory int64
	// FixedBatch has all batches be of one size, whatever the memory and the workers.
	FixedBatch bool
}

// New returns an engine.
func New(o Options) *Engine {
	devices := slots(o.Devices, cmp.Or(o.AtOnce, o.Workers))
	e := &Engine{
		slots:    make(chan runtime.Device, len(devices)),
		devices:  devices,
		limits:   newLimits(o),
		fixed:    o.FixedBatch,
		models:   map[string]*once[*savedmodels.Model]{},
		programs: map[string]*once[any]{},
		sizes:    map[string]*once[int]{},
	}
	for _, d := range devices {
		e.slots <- d
	}
	return e
}

// Width is the number of calls at once.
func (e *Engine) Width() int { return len(e.devices) }

// A once is a value that the first caller makes and the others wait for.
type once[T any] struct {
	sync.Once
	value T
	err   error
}

func (o *once[T]) get(build func() (T, error)) (T, error) {
	o.Do(func() { o.value, o.err = build() })
	return o.value, o.err
}

func shared[T any](mu *sync.Mutex, of map[string]*once[T], key string) *once[T] {
	mu.Lock()
	defer mu.Unlock()
	if of[key] == nil {
		of[key] = &once[T]{}
	}
	return of[key]
}

// name makes a key of what a thing is built from.
func name(parts ...any) (string, error) {
	key, err := json.Marshal(parts)
	if err != nil {
		return "", fmt.Errorf("name a program: %w", err)
	}
	return string(key), nil
}

// Model opens the SavedModel in dir.
func (e *Engine) Model(dir string, o savedmodels.Options) (*savedmodels.Model, error) {
	key, err := name(dir, o)
	if err != nil {
		return nil, err
	}
	return shared(&e.mu, e.models, key).get(func() (*savedmodels.Model, error) {
		m, err := savedmodels.Open(dir, o)
		if err != nil {
			return nil, fmt.Errorf("open model %s: %w", dir, err)
		}
		return m, nil
	})
}

// A Source is a model seen through an explanation: what a program is built for.
type Source struct {
	// Dir is the SavedModel's directory.
	Dir         string
	Model       savedmodels.Options
	Explanation setting.Item
	// Surrogate, if any, replaces ReLU.
	Surrogate *savedmodels.Softplus
	// Precision is that of the gradients of objectives.
	Precision runtime.Precision
}

// Open returns the source's model and explanation.
func (e *Engine) Open(s Source) (*savedmodels.Model, saliency.Explanation, error) {
	m, err := e.Model(s.Dir, s.Model)
	if err != nil {
		return nil, nil, err
	}
	explanation, err := saliency.NewExplanation(s.Explanation)
	return m, explanation, err
}

// Slot waits for a slot that is free. The caller gives it back by Free.
func (e *Engine) Slot(ctx context.Context) (runtime.Device, error) {
	select {
	case d := <-e.slots:
		return d, nil
	case <-ctx.Done():
		return runtime.Device{}, context.Cause(ctx)
	}
}

// Free gives back a slot.
func (e *Engine) Free(slot runtime.Device) { e.slots <- slot }

// Gram returns the program that multiplies width vectors with n rows of dim values on a device.
func (e *Engine) Gram(width, n, dim int, d runtime.Device) (*runtime.Gram, error) {
	key, err := name("gram", width, n, dim, d)
	if err != nil {
		return nil, err
	}
	p, err := shared(&e.mu, e.programs, key).get(func() (any, error) { return runtime.NewGram(width, n, dim, d) })
	if err != nil {
		return nil, err
	}
	return p.(*runtime.Gram), nil
}
