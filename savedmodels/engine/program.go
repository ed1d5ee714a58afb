package engine

import (
	"context"

	"upi/savedmodels"
	"upi/savedmodels/runtime"
	"upi/savedmodels/saliency"
)

// A Program is a graph for one fixed batch.
type Program interface {
	// BatchBytes is the memory that one call takes, in bytes.
	BatchBytes() int64
	// GraphBytes is the memory that the program takes whatever its batch, in bytes.
	GraphBytes() int64
	Close() error
}

// A Kind is one kind of program.
type Kind[P Program] struct {
	Name  string
	Build func(*savedmodels.Model, saliency.Explanation, saliency.Settings) (P, error)
}

// The kinds of programs.
var (
	Mapper        = Kind[*saliency.Mapper]{"map", saliency.NewMapper}
	Dissimilarity = Objective(saliency.Dissimilarity, false)
	CrossEntropy  = Kind[*saliency.Objective]{"cross-entropy", func(
		m *savedmodels.Model, _ saliency.Explanation, s saliency.Settings) (*saliency.Objective, error) {
		return saliency.NewCrossEntropy(m, s)
	}}
)

// Objective is the kind of the objectives of a function of maps, with or without the term that keeps predictions.
func Objective(f saliency.Function, keep bool) Kind[*saliency.Objective] {
	name := string(f)
	if keep {
		name += ", predictions kept"
	}
	return Kind[*saliency.Objective]{name, func(
		m *savedmodels.Model, e saliency.Explanation, s saliency.Settings) (*saliency.Objective, error) {
		return saliency.NewObjective(m, e, f, keep, s)
	}}
}

// batch returns how many images one call to a program of this kind takes, so that all calls at once stay within the memory.
func batch[P Program](e *Engine, k Kind[P], s Source) (int, error) {
	key, err := name(k.Name, s)
	if err != nil {
		return 0, err
	}
	return shared(&e.mu, e.sizes, key).get(func() (int, error) {
		m, err := e.Model(s.Dir, s.Model)
		if err != nil {
			return 0, err
		}
		// The batch size changes bits, so it is a function of the configuration alone, and not of what happens to be free.
		free := e.limits.room(m.Bytes())
		unit := max(m.Batch(), 1)
		largest := e.limits.largest(unit)
		// A small network takes the largest batch, whose program need not be built a second time.
		for size := unit * largest; ; size = unit {
			p, err := construct(e, k, s, size, e.devices[0])
			if err != nil {
				return 0, err
			}
			each, graph := max(p.BatchBytes(), 1), p.GraphBytes()
			fits := size
			if room := free - graph; !e.fixed {
				fits = unit * e.limits.fit(room, max(each*int64(unit)/int64(size), 1), s.Precision, unit)
			} else if each > room {
				fits = 0
			}
			if fits == size {
				return size, keep(e, k, s, size, p)
			}
			if err := p.Close(); err != nil {
				return 0, err
			}
			if fits > 0 {
				return fits, nil
			}
			if size == unit || e.fixed {
				return 0, e.limits.tooSmall(k.Name, each+graph, m.Bytes())
			}
		}
	})
}

// program returns the program of this kind for a device.
func program[P Program](e *Engine, k Kind[P], s Source, d runtime.Device) (P, error) {
	size, err := batch(e, k, s)
	if err != nil {
		var none P
		return none, err
	}
	return build(e, k, s, size, d)
}

func build[P Program](e *Engine, k Kind[P], s Source, size int, d runtime.Device) (P, error) {
	var none P
	of, err := e.built(k.Name, s, size, d)
	if err != nil {
		return none, err
	}
	p, err := of.get(func() (any, error) { return construct(e, k, s, size, d) })
	if err != nil {
		return none, err
	}
	return p.(P), nil
}

// keep has a program that was built to be measured be the one that is used.
func keep[P Program](e *Engine, k Kind[P], s Source, size int, p P) error {
	of, err := e.built(k.Name, s, size, e.devices[0])
	if err != nil {
		return err
	}
	_, err = of.get(func() (any, error) { return p, nil })
	return err
}

func (e *Engine) built(kind string, s Source, size int, d runtime.Device) (*once[any], error) {
	key, err := name(kind, s, size, d)
	if err != nil {
		return nil, err
	}
	return shared(&e.mu, e.programs, key), nil
}

func construct[P Program](e *Engine, k Kind[P], s Source, size int, d runtime.Device) (P, error) {
	m, explanation, err := e.Open(s)
	if err != nil {
		var none P
		return none, err
	}
	return k.Build(m, explanation, saliency.Settings{Batch: size, Device: d, Surrogate: s.Surrogate, Precision: s.Precision})
}

// Use hands the program of this kind to work, in a slot.
func Use[P Program, R any](ctx context.Context, e *Engine, k Kind[P], s Source, work func(P) (R, error)) (r R, err error) {
	slot, err := e.Slot(ctx)
	if err != nil {
		return r, err
	}
	defer e.Free(slot)
	p, err := program(e, k, s, slot)
	if err != nil {
		return r, err
	}
	return work(p)
}

// Each runs work on the batches of n images, as many at once as there are slots, and hands the results to deliver in the order
// of the images. Batches start and end at the same images however many slots there are.
func Each[P Program, R any](ctx context.Context, e *Engine, k Kind[P], s Source, n int,
	work func(p P, from, to int) (R, error), deliver func(from, to int, r R) error) error {
	size, err := batch(e, k, s)
	if err != nil {
		return err
	}
	return InOrder(ctx, (n+size-1)/size, e.Width(),
		func(ctx context.Context, i int) (R, error) {
			return Use(ctx, e, k, s, func(p P) (R, error) { return work(p, i*size, min((i+1)*size, n)) })
		},
		func(i int, r R) error { return deliver(i*size, min((i+1)*size, n), r) })
}
