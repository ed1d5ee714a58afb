package beam

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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

// TestScale prints what so many tasks of no work cost on Prism, with the cache on disk: processor time and memory per task.
func TestScale(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("UPI_BEAM_TASKS"))
	if err != nil {
		t.Skip("UPI_BEAM_TASKS says how many tasks are to be measured; make bench-cluster does")
	}
	const atOnce = 16
	store, err := cache.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%d tasks of no work, %d at once, Prism, cache in %s\n", n, atOnce, store.Root())
	fmt.Println("| step | CPU s | CPU us a task | s | resident MiB | peak MiB | peak bytes a task |\n|---|--:|--:|--:|--:|--:|--:|")
	step := func(name string, work func()) { measure(t, name, n, work) }

	var plan *pipeline.Plan
	step("planning", func() { plan = idlePlan(t, n) })
	dir := t.TempDir()
	step("writing the plan", func() {
		if err := plan.Store(dir); err != nil {
			t.Fatal(err)
		}
	})
	x := &Executor{Store: store, Name: "idle", Runner: Prism, Workers: atOnce, Log: slog.New(slog.DiscardHandler)}
	if n <= 20000 {
		local := &pipeline.Local{Store: openStore(t), Workers: atOnce}
		step("the tasks without Beam", func() {
			if _, err := local.Execute(t.Context(), plan, progress.Silent{}); err != nil {
				t.Fatal(err)
			}
		})
	}
	f := followerOf(x, plan)
	var found []bool
	step("look-ups in an empty cache", func() {
		if found, err = f.find(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	step("dispatch, and the tasks", func() { dispatch(t, f, found) })
	expect(t, f, progress.Done)
	f = nil
	fmt.Printf("an artefact takes %d bytes of disk\n", artefactSize(t, store))
	step("look-ups of what is there", func() {
		f = followerOf(x, plan)
		if found, err = f.find(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	expect(t, f, progress.Hit)
	// The driver has everything dispatched that the workers then find.
	f = followerOf(x, plan)
	step("dispatch, and a look-up by the worker", func() { dispatch(t, f, make([]bool, len(f.tasks))) })
	expect(t, f, progress.Hit)
}

func followerOf(x *Executor, plan *pipeline.Plan) *follower {
	return &follower{executor: x, plan: plan, tasks: plan.Tasks(), ledger: pipeline.NewLedger(plan, progress.Silent{}, false), said: map[string]bool{}}
}

// dispatch has the runner run what is not found.
func dispatch(t *testing.T, f *follower, found []bool) {
	t.Helper()
	if err := f.prepare(levels(f.tasks, func(i int) bool { return found[i] })); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(f.job.dir)
	if err := f.submit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// expect asserts what has become of all tasks.
func expect(t *testing.T, f *follower, want progress.Status) {
	t.Helper()
	r, err := f.ledger.Conclude(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range r.Tasks {
		if task.Status != want {
			t.Fatalf("task %s was %s, want %s", task.Task.Label, task.Status, want)
		}
	}
}

// measure prints what a piece of work for n tasks takes of this process, whose threads do all of it.
func measure(t *testing.T, name string, n int, work func()) {
	t.Helper()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Log("the peak of memory is that of the process's life: ", err)
	}
	before, start, used := pipeline.ResidentMemory(), time.Now(), processorTime(t)
	work()
	elapsed, spent, most := time.Since(start), processorTime(t)-used, peak(t)
	fmt.Printf("| %s | %.1f | %.0f | %.1f | %d | %d | %d |\n", name, spent.Seconds(), float64(spent.Microseconds())/float64(n), elapsed.Seconds(),
		pipeline.ResidentMemory()>>20, most>>20, (most-before)/int64(n))
}

// processorTime is what this process has used, its own and the system's for it.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
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

// artefactSize is what one artefact of a task of no work takes on disk, in bytes.
func artefactSize(t *testing.T, store *cache.Store) int64 {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(store.Root(), "idle", "0*", "*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no artefact: %v", err)
	}
	var blocks int64
	err = filepath.WalkDir(found[0], func(path string, _ fs.DirEntry, err error) error {
		var s unix.Stat_t
		if err == nil {
			err = unix.Lstat(path, &s)
		}
		blocks += s.Blocks
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return blocks * 512
}
