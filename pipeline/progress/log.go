package progress

import (
	"log/slog"
	"sync"
	"time"
)

// pause is the least time between two lines on tasks in progress.
const pause = 5 * time.Second

// Log reports by log lines: failures at once, one line when a stage is done,
// and every few seconds how far the stages in hand are.
type Log struct {
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex
	stages map[string]*tally
	meter  *meter
	last   time.Time
}

// NewLog returns a Log that writes to log.
func NewLog(log *slog.Logger) *Log {
	return &Log{log: log, now: time.Now, stages: map[string]*tally{}}
}

// tally is how far one stage is.
type tally struct {
	Stage
	done, hit, failed, skipped int
	images                     int64
	busy                       time.Duration
	// parts is the share of each running task that is done.
	parts map[Task]float64
}

func (s *tally) ended() int { return s.done + s.hit + s.failed + s.skipped }

func (s *tally) start(t Task) { s.parts[t] = 0 }

func (s *tally) advance(t Task, done, total int64) {
	if total > 0 {
		s.parts[t] = min(max(float64(done)/float64(total), 0), 1)
	}
}

func (s *tally) finish(t Task, o Outcome) {
	delete(s.parts, t)
	switch o.Status {
	case Done:
		s.done++
		s.images += o.Images
		s.busy += o.Elapsed
	case Hit:
		s.hit++
	case Failed:
		s.failed++
	case Skipped:
		s.skipped++
	}
}

func newTally(s Stage) *tally { return &tally{Stage: s, parts: map[Task]float64{}} }

// Begin implements [Reporter].
func (l *Log) Begin(stages []Stage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = l.now()
	l.meter = newMeter(stages, l.last)
	for _, s := range stages {
		l.stages[s.Name] = newTally(s)
	}
}

// Start implements [Reporter].
func (l *Log) Start(t Task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stages[t.Stage].start(t)
	l.meter.start(t, l.now())
}

// Advance implements [Reporter].
func (l *Log) Advance(t Task, done, total int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stages[t.Stage]
	s.advance(t, done, total)
	l.meter.advance(t, s.parts[t])
	if now := l.now(); now.Sub(l.last) >= pause {
		l.last = now
		l.about(t).Info("progress", append([]any{"part", done, "parts", total, "tasks_done", s.ended(), "tasks", s.Tasks}, l.left(now)...)...)
	}
}

// Finish implements [Reporter].
func (l *Log) Finish(t Task, o Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stages[t.Stage]
	s.finish(t, o)
	l.meter.finish(t, o)
	if o.Status == Failed {
		l.about(t).Error("task failed", "seconds", seconds(o.Elapsed), "error", o.Err)
	}
	now := l.now()
	switch {
	case s.ended() == s.Tasks:
		l.log.Info("stage finished", "stage", t.Stage, "done", s.done, "hit", s.hit, "failed", s.failed,
			"skipped", s.skipped, "seconds", seconds(s.busy), "images", s.images)
	case now.Sub(l.last) >= pause:
		l.last = now
		l.about(t).Info("progress", append([]any{"tasks_done", s.ended(), "tasks", s.Tasks}, l.left(now)...)...)
	}
}

// left is the attribute of the time that the whole run still takes, in seconds; none while that is not known.
func (l *Log) left(now time.Time) []any {
	left, known := l.meter.left(now)
	if !known {
		return nil
	}
	return []any{"seconds_left", about(left).Seconds()}
}

// about is the logger for lines on one task.
func (l *Log) about(t Task) *slog.Logger {
	log := l.log.With("stage", t.Stage, "task", t.Label)
	if t.Shard != "" {
		log = log.With("shard", t.Shard)
	}
	return log
}

// End implements [Reporter].
func (l *Log) End() {}

func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }
