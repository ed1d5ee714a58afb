package beam

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// vainly is how many tasks in a row a helper finds done, or in the works, until it takes the rest to be so too: a level may have a
// million tasks, and each look is some trips to the file server.
const vainly = 256

// help has slots that are free run tasks of the level that were dealt out to other workers, which have not come to them: an engine
// deals out all at once, and some take longer. It begins with the last, as the others come to it last. It ends when there are none,
// or when one has failed here, or when willing says so: this machine may lack something. It returns when the last has begun.
func (p *performer) help(ctx context.Context, level int, running *sync.WaitGroup, willing func() bool) error {
	if !p.job.Cluster || p.job.Refresh || p.broken != nil { // Refresh runs anew what is done
		return nil
	}
	var vain atomic.Int64
	var harmed atomic.Bool
	without, err := p.rest(level)
	if err != nil {
		return err
	}
	for _, number := range slices.Backward(p.job.Levels[level]) {
		if vain.Load() >= vainly || harmed.Load() || p.ctx.Err() != nil || !willing() {
			return nil
		}
		lost, err := without.Lost(number)
		if err != nil {
			return err
		}
		if lost {
			continue
		}
		if is, err := p.isDone(level, number); is || err != nil {
			vain.Add(1)
			continue
		}
		err = p.begin(ctx, running, func() {
			if harmed.Load() || !willing() { // while it waited for the slot
				return
			}
			switch p.tryPerform(level, number) {
			case failed:
				harmed.Store(true)
			case done:
				vain.Store(0)
			default:
				vain.Add(1)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
