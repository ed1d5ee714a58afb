package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
)

// InOrder does n pieces of work, at most width at once, and hands each result to deliver, in order; see [Flow].
func InOrder[R any](ctx context.Context, n, width int, work func(ctx context.Context, i int) (R, error), deliver func(i int, r R) error) error {
	begun, done := 0, 0
	next := func() (int, error) {
		if begun == n {
			return 0, io.EOF
		}
		begun++
		return begun - 1, nil
	}
	return Flow(ctx, width, next, work, func(r R) error {
		done++
		return deliver(done-1, r)
	})
}

// Flow works on what next returns, up to io.EOF, at most width at once, and hands each result to deliver, in order. It calls
// next and deliver one at a time, next only when there is room to work. A few finished results wait for a slow one before
// them; more are not begun, so the memory does not depend on their number. A panic in work is its error.
func Flow[T, R any](ctx context.Context, width int, next func() (T, error), work func(context.Context, T) (R, error), deliver func(R) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()

	slots := make(chan struct{}, width)
	queue := make([]chan outcome[R], 0, 2*width)
	collect := func() error {
		o := <-queue[0]
		queue = queue[1:]
		if o.err != nil {
			return o.err
		}
		return deliver(o.result)
	}
	for {
		if len(queue) >= 2*width {
			if err := collect(); err != nil {
				return err
			}
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		item, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		done := make(chan outcome[R], 1)
		queue = append(queue, done)
		running.Go(func() {
			defer func() { <-slots }()
			done <- attempt(ctx, item, work)
		})
	}
	for len(queue) > 0 {
		if err := collect(); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

type outcome[R any] struct {
	result R
	err    error
}

func attempt[T, R any](ctx context.Context, item T, work func(context.Context, T) (R, error)) (o outcome[R]) {
	defer func() {
		if r := recover(); r != nil {
			o.err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	o.result, o.err = work(ctx, item)
	return o
}
