package progress

import (
	"testing"
	"time"
)

// TestLeft: 2 tasks of 10 units at once, of which the stage fit has 4, and evaluate, which has not begun, 5 of 2 units.
func TestLeft(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	check := func(m *meter, now time.Time, want time.Duration, wantKnown bool) {
		t.Helper()
		if left, known := m.left(now); known != wantKnown || known && (left-want).Abs() > time.Millisecond {
			t.Errorf("%v left, known %v, want %v, %v", left, known, want, wantKnown)
		}
	}
	task := func(label string) Task { return Task{Stage: "fit", Label: label, Work: 10} }
	m := newMeter([]Stage{{Name: "images", Tasks: 1}, {Name: "fit", Tasks: 4, Work: 40}, {Name: "evaluate", Tasks: 5, Work: 10}}, start)
	check(m, at(0), 0, false)
	m.finish(Task{Stage: "images"}, Outcome{Status: Hit})
	m.start(task("a"), at(0))
	m.start(task("b"), at(0))
	check(m, at(1), 0, false)
	// After a fifth of both in 4 s: 2 s for each unit; 36 + 10 units are left, for two at once.
	m.advance(task("a"), 0.2)
	m.advance(task("b"), 0.2)
	check(m, at(4), 46*time.Second, true)
	for _, label := range []string{"a", "b"} {
		m.finish(task(label), Outcome{Status: Done, Elapsed: 20 * time.Second})
	}
	check(m, at(20), 30*time.Second, true)
	// One is in the cache: it takes no time, and says nothing of the pace.
	m.finish(task("c"), Outcome{Status: Hit})
	check(m, at(20), 20*time.Second, true)
	if share := m.share(at(20)); share != 0.5 {
		t.Errorf("%v is done, want half", share)
	}
	// What an earlier run has shown goes before a guess: evaluate takes 0.4 s for each unit.
	m.stages["evaluate"].Pace = 0.4
	check(m, at(20), 12*time.Second, true)
}
