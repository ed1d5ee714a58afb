package progress

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// resolution is the length of a bar per task: progress within a task shows.
const resolution = 1000

// Bars reports by one bar per stage on a terminal.
type Bars struct {
	w      io.Writer
	screen *mpb.Progress

	mu     sync.Mutex
	stages map[string]*stageBar
}

type stageBar struct {
	*tally
	bar *mpb.Bar
}

// NewBars returns Bars that draw on the terminal w.
func NewBars(w io.Writer) *Bars {
	return &Bars{
		w:      w,
		screen: mpb.New(mpb.WithOutput(w), mpb.WithWidth(40), mpb.WithRefreshRate(150*time.Millisecond)),
		stages: map[string]*stageBar{},
	}
}

// Write puts lines above the bars, for logs that share the terminal.
func (b *Bars) Write(p []byte) (int, error) {
	n, err := b.screen.Write(p)
	if errors.Is(err, mpb.ErrDone) { // after End there are no bars to draw over
		return b.w.Write(p)
	}
	return n, err
}

// Begin implements [Reporter].
func (b *Bars) Begin(stages []Stage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range stages {
		sb := &stageBar{tally: newTally(s)}
		b.stages[s.Name] = sb
		sb.bar = b.screen.AddBar(int64(s.Tasks)*resolution,
			mpb.PrependDecorators(decor.Name(s.Name, decor.WCSyncSpaceR)),
			mpb.AppendDecorators(
				decor.Percentage(decor.WC{W: 5}),
				decor.Any(func(decor.Statistics) string { return b.describe(sb) }),
			))
	}
}

// describe is called by the drawing goroutine.
func (b *Bars) describe(s *stageBar) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := fmt.Sprintf("  %d/%d", s.ended(), s.Tasks)
	if s.hit > 0 {
		text += fmt.Sprintf(", %d cached", s.hit)
	}
	if s.failed > 0 {
		text += fmt.Sprintf(", %d failed", s.failed)
	}
	if rate := s.rate(); rate > 0 {
		text += fmt.Sprintf(", %.0f images/s per worker", rate)
	}
	return text
}

// update changes a stage and then its bar: not under the lock, for the drawing
// goroutine that takes the change may be waiting in describe.
func (b *Bars) update(t Task, change func(*tally)) {
	b.mu.Lock()
	s := b.stages[t.Stage]
	change(s.tally)
	at := int64(s.fraction() * float64(s.Tasks) * resolution)
	if s.ended() < s.Tasks { // a full bar is never drawn again
		at = min(at, int64(s.Tasks)*resolution-1)
	}
	b.mu.Unlock()
	s.bar.SetCurrent(at)
}

// Start implements [Reporter].
func (b *Bars) Start(t Task) { b.update(t, func(s *tally) { s.start(t) }) }

// Advance implements [Reporter].
func (b *Bars) Advance(t Task, done, total int64) {
	b.update(t, func(s *tally) { s.advance(t, done, total) })
}

// Finish implements [Reporter].
func (b *Bars) Finish(t Task, o Outcome) {
	b.update(t, func(s *tally) { s.finish(t, o) })
	if o.Status == Failed {
		fmt.Fprintf(b, "%s %s failed: %v\n", t.Stage, t.Label, o.Err)
	}
}

// End implements [Reporter].
func (b *Bars) End() {
	b.mu.Lock()
	bars := make([]*mpb.Bar, 0, len(b.stages))
	for _, s := range b.stages {
		bars = append(bars, s.bar)
	}
	b.mu.Unlock()
	for _, bar := range bars {
		if !bar.Completed() {
			bar.Abort(false)
		}
	}
	b.screen.Wait()
}
