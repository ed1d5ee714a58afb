package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"upi/pipeline/atomicfile"
	"upi/pipeline/cache"
	"upi/pipeline/lock"
)

// currentFile is the configuration of the run that goes on in a directory, or was cut off there.
const currentFile = "current.yaml"

// Current returns the path of the configuration of the run that goes on in a directory, or was cut off before there were any results;
// empty where there is none to be looked at.
func Current(runDir string) string {
	path := filepath.Join(runDir, currentFile)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	_, live := lock.Held(filepath.Join(runDir, lockFile))
	if _, err := os.Stat(filepath.Join(runDir, manifestFile)); err == nil && !live {
		return ""
	}
	return path
}

// begin notes the configuration of the run that goes on.
func (r *Run) begin(config []byte) error {
	return atomicfile.WriteFile(filepath.Join(r.dir, currentFile), config)
}

// end forgets it, unless the run has left no results and its tasks can still be looked at.
func (r *Run) end(complete bool) error {
	if !complete && r.previous == nil {
		return nil
	}
	if err := os.Remove(filepath.Join(r.dir, currentFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Progress is how far the tasks of a plan are.
type Progress struct{ Done, Tasks int }

func (p Progress) String() string { return fmt.Sprintf("%d of %d tasks are done", p.Done, p.Tasks) }

// Interim makes of what the cache holds the results that the plan's [Published] tasks would, as if all that is not there had failed. It
// writes them to dir, and nothing to the cache.
func Interim(ctx context.Context, plan *Plan, store *cache.Store, dir string) (Progress, error) {
	p := Progress{Tasks: len(plan.tasks)}
	spared, err := Spared(plan, store)
	if err != nil {
		return p, err
	}
	missing := map[Key]string{}
	for i, t := range plan.tasks {
		a, err := store.Lookup(t.Stage, t.Key)
		var damaged *cache.DamagedError
		if err != nil && !errors.As(err, &damaged) {
			return p, err
		}
		if a != nil || spared[i] {
			p.Done++
		} else {
			missing[t.Key] = t.Label
		}
	}
	for _, t := range plan.tasks {
		if !t.Publish {
			continue
		}
		for _, parent := range t.Parents {
			if _, gone := missing[parent.Key]; gone && !parent.Optional {
				return p, fmt.Errorf("nothing is scored yet: %s", p)
			}
		}
		job := &Job{Task: t.rekey(nil, missing), Out: dir, Log: slog.New(slog.DiscardHandler), store: store, advance: func(int64, int64) {},
			counts: map[string]int64{}, warnings: map[string]*Warning{}}
		if err := protect(ctx, plan.stages[t.Stage], job); err != nil {
			return p, fmt.Errorf("%s, and nothing can be said yet: %w", p, err)
		}
	}
	return p, nil
}
