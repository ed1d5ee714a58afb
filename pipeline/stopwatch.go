package pipeline

import (
	"slices"
	"sync"
	"time"

	"upi/pipeline/progress"
)

// A Stopwatch is told of a short run and says how fast its stages are once they are under way: what a task does before its first batch is
// done, such as building a graph, it does once in a long run too.
type Stopwatch struct {
	// Now is the time; nil is time.Now.
	Now func() time.Time

	mu    sync.Mutex
	tasks map[progress.Task]*lap
	sum   map[string]*measured
}

// A lap is a task that is under way.
type lap struct {
	// before and now are when the last but one and the last batch or step was done, and the share of the task that was done then.
	before, now moment
	// paces are the seconds for the whole task by the time between one batch or step and the next.
	paces []float64
}

type moment struct {
	at    time.Time
	share float64
}

// close ends the batch or step of which the last one was told.
func (l *lap) close() {
	if !l.before.at.IsZero() && l.now.share > l.before.share {
		l.paces = append(l.paces, l.now.at.Sub(l.before.at).Seconds()/(l.now.share-l.before.share))
	}
}

type measured struct{ seconds, units, work float64 }

// burst is the longest time between two images of one batch: they are told of one by one, when all are done.
const burst = 2 * time.Millisecond

func (s *Stopwatch) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// Begin implements [progress.Reporter].
func (s *Stopwatch) Begin([]progress.Stage) {
	s.tasks, s.sum = map[progress.Task]*lap{}, map[string]*measured{}
}

// Start implements [progress.Reporter].
func (s *Stopwatch) Start(t progress.Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks[t] = &lap{}
}

// Advance implements [progress.Reporter].
func (s *Stopwatch) Advance(t progress.Task, done, total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, now := s.tasks[t], s.now()
	if l == nil || total == 0 {
		return
	}
	share := float64(done) / float64(total)
	if !l.now.at.IsZero() && now.Sub(l.now.at) <= burst {
		l.now.share = share
		return
	}
	l.close()
	l.before, l.now = l.now, moment{now, share}
}

// Finish implements [progress.Reporter].
func (s *Stopwatch) Finish(t progress.Task, o progress.Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.tasks[t]
	if l == nil || o.Status != progress.Done {
		return
	}
	l.close()
	seconds := o.Elapsed.Seconds()
	if len(l.paces) > 0 {
		slices.Sort(l.paces)
		// One of the shorter: between the first steps there is more to do, as to build graphs, beside which others are built too.
		seconds = l.paces[len(l.paces)/4]
	}
	m := s.sum[t.Stage]
	if m == nil {
		m = &measured{}
		s.sum[t.Stage] = m
	}
	m.seconds, m.units, m.work = m.seconds+seconds, m.units+1, m.work+t.Work
}

// End implements [progress.Reporter].
func (s *Stopwatch) End() {}

// Paces are those of the run.
func (s *Stopwatch) Paces(run string) Paces {
	s.mu.Lock()
	defer s.mu.Unlock()
	return newPaces(run, s.sum)
}
