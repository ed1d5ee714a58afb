package progress

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// resolution is the length of the bar.
const resolution = 1000

// Bars reports by one bar for the whole run on a terminal: how much of it is done by time, the tasks, what runs, and the time left.
type Bars struct {
	w      io.Writer
	screen *mpb.Progress

	mu     sync.Mutex
	stages []*tally
	meter  *meter
	bar    *mpb.Bar
	at     int64
}

// NewBars returns Bars that draw on the terminal w.
func NewBars(w io.Writer) *Bars {
	return &Bars{w: w, screen: mpb.New(mpb.WithOutput(w), mpb.WithWidth(20), mpb.WithRefreshRate(150*time.Millisecond))}
}

// Write puts lines above the bar, for logs that share the terminal.
func (b *Bars) Write(p []byte) (int, error) {
	n, err := b.screen.Write(p)
	if errors.Is(err, mpb.ErrDone) { // after End there is no bar to draw over
		return b.w.Write(p)
	}
	return n, err
}

// Begin implements [Reporter].
func (b *Bars) Begin(stages []Stage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range stages {
		b.stages = append(b.stages, newTally(s))
	}
	b.meter = newMeter(stages, time.Now())
	b.bar = b.screen.AddBar(resolution, mpb.AppendDecorators(
		decor.Percentage(decor.WC{W: 5}), decor.Any(func(decor.Statistics) string { return b.describe() })))
}

// describe is called by the drawing goroutine.
func (b *Bars) describe() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	ended, all, hit, failed := 0, 0, 0, 0
	var active []string
	for _, s := range b.stages {
		ended, all, hit, failed = ended+s.ended(), all+s.Tasks, hit+s.hit, failed+s.failed
		if len(s.parts) > 0 {
			active = append(active, s.Name)
		}
	}
	text := fmt.Sprintf("  %d/%d", ended, all)
	if hit > 0 {
		text += fmt.Sprintf(", %d cached", hit)
	}
	if failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	if len(active) > 0 {
		text += ", " + strings.Join(active, " ")
	}
	if left, known := b.meter.left(time.Now()); known && ended < all {
		text += fmt.Sprintf(", %s left", about(left))
	}
	return text
}

// update changes a stage and then the bar: not under the lock, for the drawing goroutine that takes the change may be waiting in
// describe.
func (b *Bars) update(t Task, change func(*tally)) {
	b.mu.Lock()
	change(b.stages[slices.IndexFunc(b.stages, func(s *tally) bool { return s.Name == t.Stage })])
	// It does not go back where a stage turns out to be slower than was thought, and a full bar is never drawn again.
	b.at = min(max(b.at, int64(resolution*b.meter.share(time.Now()))), resolution-1)
	at := b.at
	if !slices.ContainsFunc(b.stages, func(s *tally) bool { return s.ended() < s.Tasks }) {
		at = resolution
	}
	b.mu.Unlock()
	b.bar.SetCurrent(at)
}

// Start implements [Reporter].
func (b *Bars) Start(t Task) {
	b.update(t, func(s *tally) {
		s.start(t)
		b.meter.start(t, time.Now())
	})
}

// Advance implements [Reporter].
func (b *Bars) Advance(t Task, done, total int64) {
	b.update(t, func(s *tally) {
		s.advance(t, done, total)
		b.meter.advance(t, s.parts[t])
	})
}

// Finish implements [Reporter].
func (b *Bars) Finish(t Task, o Outcome) {
	b.update(t, func(s *tally) {
		s.finish(t, o)
		b.meter.finish(t, o)
	})
	if o.Status == Failed {
		fmt.Fprintf(b, "%s %s failed: %v\n", t.Stage, t.Label, o.Err)
	}
}

// End implements [Reporter].
func (b *Bars) End() {
	b.mu.Lock()
	bar := b.bar
	b.mu.Unlock()
	if bar != nil && !bar.Completed() {
		bar.Abort(false)
	}
	b.screen.Wait()
}
