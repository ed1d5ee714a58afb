package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"upi/pipeline/cache"
	"upi/pipeline/config"
)

// DiskUse is what the tasks that are to run write to the cache, in bytes, by their estimates.
type DiskUse struct {
	// Stages are the sums of the stages, in the order of the plan.
	Stages []StageDisk
	// Stays is what is there in the end, Peak the most on the way, transient artefacts included.
	Stays, Peak int64
}

// StageDisk is what the tasks of one stage that are to run write.
type StageDisk struct {
	Stage     string
	Bytes     int64
	Transient bool // some of it is dropped on the way
}

// DiskOf adds up the estimates of the tasks that run says are to run, in the order of the plan.
func DiskOf(plan *Plan, runs func(i int, t *Task) bool) DiskUse {
	var use DiskUse
	at := map[string]int{}
	for _, name := range plan.StageNames() {
		at[name] = len(use.Stages)
		use.Stages = append(use.Stages, StageDisk{Stage: name})
	}
	readers := newChildren(plan)
	left := make([]int, len(plan.tasks))
	running := make([]bool, len(plan.tasks))
	now := int64(0)
	for i, t := range plan.tasks {
		left[i] = len(readers.at(i))
		if runs(i, t) {
			running[i] = true
			stage := &use.Stages[at[t.Stage]]
			stage.Bytes += t.Estimate.Bytes
			stage.Transient = stage.Transient || t.Transient
			now += t.Estimate.Bytes
			use.Peak = max(use.Peak, now)
		}
		for _, p := range t.Parents {
			parent := plan.index[p.Key]
			if left[parent]--; left[parent] == 0 && running[parent] && plan.tasks[parent].Transient {
				now -= plan.tasks[parent].Estimate.Bytes
			}
		}
	}
	use.Stays = now
	return use
}

// Disk is the file system of a cache, some of which a run leaves free.
type Disk struct {
	dir    string
	margin int64
	// free tells how many bytes a program may still write below dir.
	free func(dir string) (bytes int64, err error)

	mu       sync.Mutex
	changed  *sync.Cond
	reserved int64
	tasks    int
}

// mostMargin bounds what is left free of a large disk.
const mostMargin = 1 << 30

// NewDisk looks at the file system of a cache. Of it the fiftieth part, but no more than 1 GiB, is left free.
func NewDisk(dir string) (*Disk, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return nil, fmt.Errorf("look at the disk of %s: %w", dir, err)
	}
	d := &Disk{dir: dir, margin: min(mostMargin, int64(s.Blocks)*s.Bsize/50), free: freeBytes}
	d.changed = sync.NewCond(&d.mu)
	return d, nil
}

func freeBytes(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("look at the disk of %s: %w", dir, err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// Free is how many bytes a run may still write; below 0 where less than the margin is free.
func (d *Disk) Free() (int64, error) {
	free, err := d.free(d.dir)
	return free - d.margin, err
}

// DiskError says that what is to be written would fill the disk. It wraps unix.ENOSPC.
type DiskError struct {
	Dir string
	// What is to be written, and how much; Free is what is free, of which Margin is not to be used. Bytes all.
	What                string
	Bytes, Free, Margin int64
}

func (e *DiskError) Error() string {
	return fmt.Sprintf("%s takes about %s of disk, %s is free in %s, of which %s stays free: no space left on device",
		e.What, ShortBytes(e.Bytes), ShortBytes(e.Free), e.Dir, ShortBytes(e.Margin))
}

func (e *DiskError) Unwrap() error { return unix.ENOSPC }

// ShortBytes writes bytes with a binary unit, rounded.
func ShortBytes(bytes int64) string {
	for _, u := range []struct {
		name string
		size float64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if float64(bytes) >= u.size {
			return fmt.Sprintf("%.1f%s", float64(bytes)/u.size, u.name)
		}
	}
	return config.Bytes(bytes).String()
}

// reserve waits until there is room for an artefact of so many bytes beside those in the making, and returns what gives the room back.
// The error is a [*DiskError] if there is none although no other task runs.
func (d *Disk) reserve(ctx context.Context, bytes int64) (release func(), err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	wake := context.AfterFunc(ctx, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.changed.Broadcast()
	})
	defer wake()
	for {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		free, err := d.free(d.dir)
		if err != nil {
			return nil, err
		}
		if bytes+d.reserved+d.margin <= free {
			break
		}
		if d.tasks == 0 {
			return nil, &DiskError{Dir: d.dir, What: "the next task", Bytes: bytes, Free: free, Margin: d.margin}
		}
		d.changed.Wait()
	}
	d.reserved += bytes
	d.tasks++
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.reserved -= bytes
		d.tasks--
		d.changed.Broadcast()
	}, nil
}

// smallest is the size of artefacts from which on it is worth to look whether they are there; the margin has room for the others.
const smallest = 1 << 20

// Fits looks whether what is to run of the plan fits on the disk, and returns a [*DiskError] if not. With refresh all is to run.
func (d *Disk) Fits(plan *Plan, store *cache.Store, refresh bool) error {
	spared := make([]bool, len(plan.tasks))
	if !refresh {
		var err error
		if spared, err = Spared(plan, store); err != nil {
			return err
		}
	}
	use := DiskOf(plan, func(i int, t *Task) bool {
		if t.Estimate.Bytes < smallest || spared[i] {
			return false
		}
		a, err := store.Lookup(t.Stage, t.Key)
		return a == nil || err != nil || refresh
	})
	// What writes nothing of note fits on a full disk too: a night in which all is in the cache, say.
	if use.Peak == 0 {
		return nil
	}
	free, err := d.free(d.dir)
	if err != nil || use.Peak+d.margin <= free {
		return err
	}
	return &DiskError{Dir: d.dir, What: "the run (" + use.largest() + ")", Bytes: use.Peak, Free: free, Margin: d.margin}
}

// largest names the stages that write most.
func (u DiskUse) largest() string {
	stages := slices.Clone(u.Stages)
	slices.SortStableFunc(stages, func(a, b StageDisk) int { return cmp.Compare(b.Bytes, a.Bytes) })
	var parts []string
	for _, s := range stages[:min(3, len(stages))] {
		if s.Bytes > 0 {
			parts = append(parts, s.Stage+" "+ShortBytes(s.Bytes))
		}
	}
	return strings.Join(parts, ", ")
}
