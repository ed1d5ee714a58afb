package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"upi/pipeline/cache"
	"upi/pipeline/progress"
)

// The stages of these tests are like those of a direction: rows are large, read once, and dropped.

type rowsSpec struct {
	Shard int `json:"shard"`
}

type directionSpec struct {
	Rows []Artefact `json:"rows"`
	Unit bool       `json:"unit"`
	Fail bool       `json:"fail"`
}

type fitSpec struct {
	Direction Artefact `json:"direction"`
	Eps       int      `json:"eps"`
}

var (
	rowsStage = NewStage("rows", 1, func(_ context.Context, job *Job, spec rowsSpec) error {
		job.Count(CountImages, 5)
		return os.WriteFile(filepath.Join(job.Out, "rows"), fmt.Appendf(nil, "rows %d", spec.Shard), 0o666)
	})
	directionStage = NewStage("direction", 1, func(_ context.Context, job *Job, spec directionSpec) error {
		if spec.Fail {
			return errors.New("no direction")
		}
		for _, rows := range spec.Rows {
			if _, err := os.ReadFile(filepath.Join(job.Dir(rows), "rows")); err != nil {
				return err
			}
		}
		return os.WriteFile(filepath.Join(job.Out, "direction"), []byte("up"), 0o666)
	})
	fitStage = NewStage("fit", 1, func(_ context.Context, job *Job, spec fitSpec) error {
		_, err := os.ReadFile(filepath.Join(job.Dir(spec.Direction), "direction"))
		return err
	})
)

// planDirections plans two shards of rows of 100 bytes each, and a direction in them with its fit for each spec.
func planDirections(t *testing.T, eps int, directions ...directionSpec) *Plan {
	t.Helper()
	plan := NewPlan(nil, nil)
	var rows []Artefact
	for shard := range 2 {
		a, err := plan.Add(rowsStage, fmt.Sprint(shard), rowsSpec{shard}, Transient(), Costs(Estimate{Bytes: 100}))
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, a)
	}
	for i, d := range directions {
		d.Rows = rows
		a, err := plan.Add(directionStage, fmt.Sprint(i), d, Costs(Estimate{Bytes: 10}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plan.Add(fitStage, fmt.Sprint(i), fitSpec{a, eps}, Costs(Estimate{Bytes: 1})); err != nil {
			t.Fatal(err)
		}
	}
	return plan
}

// ran counts the tasks of each stage that ran.
func ran(r *Result) map[string]int {
	n := map[string]int{}
	for _, t := range r.Tasks {
		if t.Status == progress.Done {
			n[t.Task.Stage]++
		}
	}
	return n
}

func TestTransient(t *testing.T) {
	store := openStore(t, t.TempDir())
	execute := func(plan *Plan) (*Result, error) {
		return (&Local{Store: store, Workers: 2}).Execute(t.Context(), plan, progress.Silent{})
	}
	rowsThere := func() int {
		paths, err := filepath.Glob(filepath.Join(store.Root(), "rows", "*", "*", "rows"))
		if err != nil {
			t.Fatal(err)
		}
		return len(paths)
	}
	// Rows stay while a direction that reads them is not there yet.
	if r, err := execute(planDirections(t, 8, directionSpec{}, directionSpec{Fail: true})); err == nil || ran(r)["rows"] != 2 || rowsThere() != 2 {
		t.Fatalf("%v, ran %v, %d rows there", err, ran(r), rowsThere())
	}
	for _, c := range []struct {
		name        string
		plan        *Plan
		rows, fresh int // rows that run; directions and fits that do
	}{
		{"the same without what failed", planDirections(t, 8, directionSpec{}), 0, 0},
		{"nothing new", planDirections(t, 8, directionSpec{}), 0, 0},
		{"another eps", planDirections(t, 16, directionSpec{}), 0, 1},
		{"another direction", planDirections(t, 16, directionSpec{}, directionSpec{Unit: true}), 2, 2},
		{"nothing new again", planDirections(t, 16, directionSpec{}, directionSpec{Unit: true}), 0, 0},
	} {
		foreseen, err := Foresee(c.plan, store, nil)
		if err != nil {
			t.Fatal(err)
		}
		expected := map[string]int{}
		for _, f := range foreseen {
			if !f.Hit {
				expected[f.Task.Stage]++
			}
		}
		r, err := execute(c.plan)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		n := ran(r)
		if n["rows"] != c.rows || expected["rows"] != c.rows || n["direction"]+n["fit"] > c.fresh+1 || n["fit"] != expected["fit"] {
			t.Errorf("%s: ran %v, foreseen %v", c.name, n, expected)
		}
		if rowsThere() != 0 {
			t.Errorf("%s: %d rows are left", c.name, rowsThere())
		}
		// What was counted is still known.
		m, err := newManifest("r", Description{}, c.plan, r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s := m.Stages[0]; s.Counts[CountImages] != 10 || !m.Tasks[0].Transient {
			t.Errorf("%s: the manifest has %+v", c.name, s)
		}
	}
}

// TestDamagedRecord: what is left of rows that nothing reads is taken out of the cache where it is damaged, and they do not run again.
func TestDamagedRecord(t *testing.T) {
	store := openStore(t, t.TempDir())
	plan := planDirections(t, 8, directionSpec{})
	local := &Local{Store: store, Workers: 2}
	if _, err := local.Execute(t.Context(), plan, progress.Silent{}); err != nil {
		t.Fatal(err)
	}
	rows := plan.tasks[0]
	path := filepath.Join(store.Path(rows.Stage, rows.Key), "artefact.json")
	if err := os.WriteFile(path, []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	r, err := local.Execute(t.Context(), plan, progress.Silent{})
	if err != nil || len(ran(r)) != 0 {
		t.Errorf("ran %v, %v", ran(r), err)
	}
	if a, err := store.Recall(rows.Stage, rows.Key); a != nil || err != nil {
		t.Errorf("recalled %+v, %v", a, err)
	}
}

// TestDiskOf: rows count until their direction is made.
func TestDiskOf(t *testing.T) {
	plan := planDirections(t, 8, directionSpec{})
	all := func(int, *Task) bool { return true }
	if use := DiskOf(plan, all); use.Peak != 210 || use.Stays != 11 || use.Stages[0] != (StageDisk{"rows", 200, true}) {
		t.Errorf("got %+v", use)
	}
	if use := DiskOf(plan, func(_ int, t *Task) bool { return t.Stage == "fit" }); use.Peak != 1 || use.Stays != 1 {
		t.Errorf("got %+v", use)
	}
}

// TestFullDisk: a run stops before what it writes would not fit, and goes on once there is room.
func TestFullDisk(t *testing.T) {
	store := openStore(t, t.TempDir())
	plan := planDirections(t, 8, directionSpec{})
	disk, err := NewDisk(store.Root())
	if err != nil {
		t.Fatal(err)
	}
	free := int64(1000)
	disk.margin, disk.free = 900, func(string) (int64, error) { return free, nil }
	run := func() (*Result, error) {
		return (&Local{Store: store, Workers: 1, KeepGoing: true, Disk: disk}).Execute(t.Context(), plan, progress.Silent{})
	}
	free = 999
	r, err := run()
	var full *DiskError
	if !errors.As(err, &full) || !errors.Is(err, unix.ENOSPC) || ExitCode(err) != ExitFailed || len(ran(r)) != 0 {
		t.Fatalf("got %v, ran %v", err, ran(r))
	}
	if full.Bytes != 100 || full.Free != 999 || full.Margin != 900 {
		t.Errorf("got %+v", full)
	}
	free = 1000
	if r, err := run(); err != nil || ran(r)["fit"] != 1 {
		t.Errorf("got %v, ran %v", err, ran(r))
	}
}

// TestFitsLooksAtTheWholeRun: before the first task.
func TestFitsLooksAtTheWholeRun(t *testing.T) {
	store := openStore(t, t.TempDir())
	plan := NewPlan(nil, nil)
	for shard := range 3 {
		if _, err := plan.Add(rowsStage, fmt.Sprint(shard), rowsSpec{shard}, Costs(Estimate{Bytes: 1 << 30})); err != nil {
			t.Fatal(err)
		}
	}
	disk, err := NewDisk(store.Root())
	if err != nil {
		t.Fatal(err)
	}
	free := int64(4 << 30)
	disk.margin, disk.free = 1<<30, func(string) (int64, error) { return free, nil }
	if err := disk.Fits(plan, store, false); err != nil {
		t.Error(err)
	}
	free--
	var full *DiskError
	if err := disk.Fits(plan, store, false); !errors.As(err, &full) || full.Bytes != 3<<30 {
		t.Errorf("got %v", err)
	}
	// What is in the cache takes no more room.
	if _, err := (&Local{Store: store}).Execute(t.Context(), plan, progress.Silent{}); err != nil {
		t.Fatal(err)
	}
	for _, free = range []int64{4<<30 - 1, 1<<30 - 1, 0} { // the last two are less than the margin
		if err := disk.Fits(plan, store, false); err != nil {
			t.Errorf("%d bytes free: %v", free, err)
		}
	}
	free = 4<<30 - 1
	if err := disk.Fits(plan, store, false); err != nil {
		t.Error(err)
	}
	if _, err := store.Drop(t.Context(), []cache.Name{{Stage: "rows", Key: plan.tasks[0].Key}}); err != nil {
		t.Fatal(err)
	}
	free = 2<<30 - 1
	if err := disk.Fits(plan, store, false); !errors.As(err, &full) || full.Bytes != 1<<30 {
		t.Errorf("got %v", err)
	}
}
