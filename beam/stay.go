package beam

import "context"

// A placesFn emits a number for each machine, and more: an engine does not tell how many it has. They are dealt out in turn.
type placesFn struct{}

// ProcessElement is called once.
func (*placesFn) ProcessElement(_ []byte, emit func(int64)) error {
	const most = 1024
	for i := range int64(most) {
		emit(i)
	}
	return nil
}

// A stayFn keeps the worker of a machine over the levels of a job. Flink ends a worker that has nothing to do, as between two levels,
// and starts another for the next; and it starts one where the level has tasks for it, and not when the job begins.
type stayFn struct {
	Job string

	performer *performer
}

// Setup has the process make its engine before the first task comes.
func (f *stayFn) Setup() (err error) {
	f.performer, err = performerOf(f.Job)
	return err
}

// ProcessElement returns when all levels have ended, or the job is to end.
func (f *stayFn) ProcessElement(ctx context.Context, _ int64, _ func(string)) error {
	select {
	case <-f.performer.over:
	case <-f.performer.ctx.Done():
	case <-ctx.Done():
	}
	return nil
}
