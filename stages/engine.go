package stages

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"upi/savedmodels"
	"upi/savedmodels/runtime"
	"upi/savedmodels/saliency"
)

// An engine holds what tasks share: the opened models, the graphs built from them, and the places at which a graph may run.
// Tasks ask it for programs by what they compute; each is built once per device.
type engine struct {
	// places holds one entry per call to TensorFlow that may run at once: a core of the CPU, or a GPU.
	places chan runtime.Device
	// rows is held by the task of the stage direction that goes over rows of gradients.
	rows   chan struct{}
	width  int
	memory int64
	// steady has all batches be of one size, whatever the memory and the workers.
	steady bool

	mu       sync.Mutex
	models   map[string]*once[*savedmodels.Model]
	programs map[string]*once[any]
	batches  map[string]*once[int]
}

// newEngine returns an engine for the devices; workers is the number of calls at once on a CPU. Memory bounds, in bytes, what
// the graphs of all calls together may take.
func newEngine(devices []runtime.Device, workers int, memory int64) *engine {
	if !devices[0].GPU {
		one := devices[0]
		devices = nil
		for range workers {
			devices = append(devices, one)
		}
	}
	e := &engine{
		places:   make(chan runtime.Device, len(devices)),
		rows:     make(chan struct{}, 1),
		width:    len(devices),
		memory:   memory,
		models:   map[string]*once[*savedmodels.Model]{},
		programs: map[string]*once[any]{},
		batches:  map[string]*once[int]{},
	}
	for _, d := range devices {
		e.places <- d
	}
	return e
}

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

func entry[T any](mu *sync.Mutex, entries map[string]*once[T], key string) *once[T] {
	mu.Lock()
	defer mu.Unlock()
	if entries[key] == nil {
		entries[key] = &once[T]{}
	}
	return entries[key]
}

// model opens the SavedModel in dir, once.
func (e *engine) model(dir string, spec modelSpec) (*savedmodels.Model, error) {
	key, err := json.Marshal([]any{dir, spec})
	if err != nil {
		return nil, fmt.Errorf("name model: %w", err)
	}
	return entry(&e.mu, e.models, string(key)).get(func() (*savedmodels.Model, error) {
		m, err := savedmodels.Open(dir, savedmodels.Options(spec))
		if err != nil {
			return nil, fmt.Errorf("open model %s: %w", dir, err)
		}
		return m, nil
	})
}

// A measurable is a program that tells what memory it takes.
type measurable interface {
	BatchBytes() int64
	Close() error
}

// A builder makes one kind of program.
type builder[P measurable] struct {
	kind  string
	build func(*savedmodels.Model, saliency.Explanation, saliency.Settings) (P, error)
}

var (
	mapper        = builder[*saliency.Mapper]{"map", saliency.NewMapper}
	dissimilarity = builder[*saliency.Objective]{"dissimilarity", saliency.NewDissimilarity}
	crossEntropy  = builder[*saliency.Objective]{"cross-entropy", func(
		m *savedmodels.Model, _ saliency.Explanation, s saliency.Settings) (*saliency.Objective, error) {
		return saliency.NewCrossEntropy(m, s)
	}}
)

// A source is a model seen through an explanation: what a program is built for.
type source struct {
	dir         string
	model       modelSpec
	explanation itemSpec
	surrogate   *savedmodels.Softplus
}

// opened is a source whose parts have been looked up.
type opened struct {
	model       *savedmodels.Model
	explanation saliency.Explanation
}

func (e *engine) open(s source) (opened, error) {
	m, err := e.model(s.dir, s.model)
	if err != nil {
		return opened{}, err
	}
	explanation, err := s.explanation.explanation()
	if err != nil {
		return opened{}, err
	}
	return opened{m, explanation}, nil
}

// overhead is the memory, in bytes, of the process without any batch: TensorFlow, graphs, Parquet pages.
const overhead = 512 << 20

// most is the largest batch: larger ones are no faster on a core.
const most = 32

// steadyBatch is the batch where results must not depend on its size: kernels round differently in batches of different sizes.
const steadyBatch = 16

// batch returns how many images one call to a program of this kind takes, so that all calls at once stay within the memory.
func batch[P measurable](e *engine, b builder[P], s source) (int, error) {
	key, err := json.Marshal([]any{b.kind, s.dir, s.model, s.explanation, s.surrogate})
	if err != nil {
		return 0, fmt.Errorf("name program: %w", err)
	}
	return entry(&e.mu, e.batches, string(key)).get(func() (int, error) {
		o, err := e.open(s)
		if err != nil {
			return 0, err
		}
		unit := max(o.model.Batch(), 1)
		probed, err := b.build(o.model, o.explanation, saliency.Settings{Batch: unit, Surrogate: s.surrogate})
		if err != nil {
			return 0, err
		}
		each := max(probed.BatchBytes(), 1)
		if err := probed.Close(); err != nil {
			return 0, err
		}
		// The batch size changes bits, so it is a function of the configuration alone, and not of what happens to be free.
		free := (e.memory - overhead - 2*o.model.Bytes()) / int64(e.width)
		least, largest := int64(1), int64(max(most/unit, 1))
		if e.steady {
			least = int64(max(steadyBatch/unit, 1))
			largest = least
		}
		if free < least*each {
			return 0, fmt.Errorf("memory: %d MiB are too few for %s of this model, whose smallest batch takes %d MiB for each of %d workers "+
				"beside %d MiB: raise memory or lower workers", e.memory>>20, b.kind, least*each>>20, e.width, (overhead+2*o.model.Bytes())>>20)
		}
		return unit * int(min(free/each, largest)), nil
	})
}

// program returns the program of this kind for a device.
func program[P measurable](e *engine, b builder[P], s source, d runtime.Device) (P, error) {
	var none P
	size, err := batch(e, b, s)
	if err != nil {
		return none, err
	}
	key, err := json.Marshal([]any{b.kind, s.dir, s.model, s.explanation, s.surrogate, d})
	if err != nil {
		return none, fmt.Errorf("name program: %w", err)
	}
	p, err := entry(&e.mu, e.programs, string(key)).get(func() (any, error) {
		o, err := e.open(s)
		if err != nil {
			return nil, err
		}
		return b.build(o.model, o.explanation, saliency.Settings{Batch: size, Device: d, Surrogate: s.surrogate})
	})
	if err != nil {
		return none, err
	}
	return p.(P), nil
}

// gram returns the program that multiplies width vectors with n rows of dim entries on a device.
func (e *engine) gram(width, n, dim int, d runtime.Device) (*runtime.Gram, error) {
	key := fmt.Sprintf("gram of %d and %d x %d on %s", width, n, dim, d)
	p, err := entry(&e.mu, e.programs, key).get(func() (any, error) { return runtime.NewGram(width, n, dim, d) })
	if err != nil {
		return nil, err
	}
	return p.(*runtime.Gram), nil
}

// place waits for a place that is free. The caller gives it back to e.places.
func (e *engine) place(ctx context.Context) (runtime.Device, error) {
	select {
	case d := <-e.places:
		return d, nil
	case <-ctx.Done():
		return runtime.Device{}, context.Cause(ctx)
	}
}

// each runs work on the batches of n images, as many at once as there are places, and hands the results to deliver in the order
// of the images. Batches start and end at the same images however many places there are.
func each[P measurable, R any](ctx context.Context, e *engine, b builder[P], s source, n int,
	work func(p P, from, to int) (R, error), deliver func(from, to int, r R) error) error {
	size, err := batch(e, b, s)
	if err != nil {
		return err
	}
	return inOrder(ctx, (n+size-1)/size, e.width,
		func(ctx context.Context, i int) (r R, err error) {
			place, err := e.place(ctx)
			if err != nil {
				return r, err
			}
			defer func() { e.places <- place }()
			p, err := program(e, b, s, place)
			if err != nil {
				return r, err
			}
			return work(p, i*size, min((i+1)*size, n))
		},
		func(i int, r R) error { return deliver(i*size, min((i+1)*size, n), r) })
}
