package stages

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// inOrder does n pieces of work, at most width at once, and hands each result to deliver, in order. A few finished ones wait for a
// slow one before them; more are not begun, so the memory does not depend on n. A panic in work is its error.
func inOrder[R any](ctx context.Context, n, width int, work func(ctx context.Context, i int) (R, error), deliver func(i int, r R) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()

	places := make(chan struct{}, width)
	queue := make([]chan outcome[R], 0, 2*width)
	next := 0
	collect := func() error {
		o := <-queue[0]
		queue = queue[1:]
		if o.err != nil {
			return o.err
		}
		next++
		return deliver(next-1, o.result)
	}
	for i := range n {
		if len(queue) >= 2*width {
			if err := collect(); err != nil {
				return err
			}
		}
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		done := make(chan outcome[R], 1)
		queue = append(queue, done)
		running.Go(func() {
			defer func() { <-places }()
			done <- attempt(ctx, i, work)
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

func attempt[R any](ctx context.Context, i int, work func(ctx context.Context, i int) (R, error)) (o outcome[R]) {
	defer func() {
		if r := recover(); r != nil {
			o.err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	o.result, o.err = work(ctx, i)
	return o
}
