package pipeline

import (
	"math"
	"testing"
	"time"

	"upi/pipeline/progress"
)

// TestStopwatch: 10 s of building a graph and a first batch do not count; the images of a batch are told of at once.
func TestStopwatch(t *testing.T) {
	now := time.Unix(0, 0)
	s := &Stopwatch{Now: func() time.Time { return now }}
	task := progress.Task{Stage: "evaluate", Label: "a", Work: 96}
	s.Begin(nil)
	s.Start(task)
	for batch := range int64(3) {
		now = now.Add(time.Second)
		if batch == 0 {
			now = now.Add(9 * time.Second)
		}
		for image := range int64(32) {
			s.Advance(task, 32*batch+image+1, 96)
		}
	}
	s.Finish(task, progress.Outcome{Status: progress.Done, Elapsed: 12 * time.Second})
	single := progress.Task{Stage: "tables", Label: "all"}
	s.Start(single)
	now = now.Add(3 * time.Second)
	s.Finish(single, progress.Outcome{Status: progress.Done, Elapsed: 3 * time.Second})
	paces := s.Paces("short")
	// 64 units in 2 s: of a task of 960 units, 30 s. Nothing is known of fit but what all stages take.
	seconds, unknown := paces.Time([]Forecast{
		{Task: &Task{Stage: "evaluate", Estimate: Estimate{Work: 960}}},
		{Task: &Task{Stage: "tables"}},
		{Task: &Task{Stage: "fit", Estimate: Estimate{Work: 320}}},
		{Task: &Task{Stage: "fit", Estimate: Estimate{Work: 320}}, Hit: true},
	})
	if want := 30 + 3 + 10.0; math.Abs(seconds-want) > 1e-9 || unknown != 0 {
		t.Errorf("%v s, %d unknown, want %v", seconds, unknown, want)
	}
}
