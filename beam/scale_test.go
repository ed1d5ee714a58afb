package beam

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"upi/pipeline"
	"upi/pipeline/cache"
	"upi/pipeline/progress"
)

// An idleSpec is a task of no work.
type idleSpec struct {
	Number int
	Reads  []pipeline.Artefact
}

var idle = pipeline.NewStage("idle", 1, func(context.Context, *pipeline.Job, idleSpec) error { return nil })

// idlePlan plans n tasks, one for every thousand of them, and one for all of those.
func idlePlan(t *testing.T, n int) *pipeline.Plan {
	t.Helper()
	plan := pipeline.NewPlan(pipeline.Environment{"device": "none"}, nil)
	add := func(spec idleSpec) pipeline.Artefact {
		a, err := plan.Add(idle, strconv.Itoa(spec.Number), spec)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	var some, all []pipeline.Artefact
	for i := range n {
		some = append(some, add(idleSpec{Number: i}))
		if len(some) == 1000 || i == n-1 {
			all = append(all, add(idleSpec{Number: n + i, Reads: some}))
			some = nil
		}
	}
	add(idleSpec{Number: 3 * n, Reads: all})
	return plan
}

// TestScale prints what so many tasks of no work cost on Prism, with the cache on disk: time and memory per task.
func TestScale(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("UPI_BEAM_TASKS"))
	if err != nil {
		t.Skip("UPI_BEAM_TASKS says how many tasks are to be measured; make bench-cluster does")
	}
	store, err := cache.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%d tasks of no work, Prism, cache in %s\n", n, store.Root())
	fmt.Println("step                          seconds   us/task   resident MiB   peak MiB   bytes/task")
	before := pipeline.ResidentMemory()
	step := func(name string, work func()) {
		start := time.Now()
		work()
		elapsed := time.Since(start)
		now := pipeline.ResidentMemory()
		fmt.Printf("%-28s %8.1f %9.1f %14d %10d %12d\n", name, elapsed.Seconds(), float64(elapsed.Microseconds())/float64(n), now>>20, peak(t)>>20,
			(now-before)/int64(n))
	}
	var plan *pipeline.Plan
	step("planning", func() { plan = idlePlan(t, n) })
	dir := t.TempDir()
	step("writing the plan", func() {
		if err := plan.Store(dir); err != nil {
			t.Fatal(err)
		}
	})
	x := &Executor{Store: store, Name: "idle", Runner: Prism, Log: slog.New(slog.DiscardHandler)}
	run := func(want progress.Status) {
		r, err := x.Execute(t.Context(), plan, progress.Silent{})
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range r.Tasks {
			if task.Status != want {
				t.Fatalf("task %s was %s, want %s", task.Task.Label, task.Status, want)
			}
		}
	}
	if n <= 20000 {
		local := &pipeline.Local{Store: openStore(t)}
		step("the same without Beam", func() {
			if _, err := local.Execute(t.Context(), plan, progress.Silent{}); err != nil {
				t.Fatal(err)
			}
		})
	}
	step("look-ups, and the run", func() { run(progress.Done) })
	step("look-ups alone", func() { run(progress.Hit) })
}

// peak is the most memory that this process has had, in bytes.
func peak(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	var kilobytes int64
	fmt.Sscan(after, &kilobytes)
	return kilobytes << 10
}
