package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"upi/pipeline"
	"upi/pipeline/cache"
	"upi/pipeline/config"
	"upi/stages/planner"
)

// interim returns the directory in which the results of a run are to be read: the run's own or, of one that goes on or was stopped
// before it left any, one that holds the tables of what is scored so far. That is said to w. The caller calls done afterwards.
func interim(ctx context.Context, w io.Writer, run string) (dir string, done func(), err error) {
	path := pipeline.Current(run)
	if path == "" {
		return run, func() {}, nil
	}
	fail := func(err error) (string, func(), error) {
		return "", nil, fmt.Errorf("look at what %s has so far: %w", run, err)
	}
	cfg, err := config.Load(path, nil, planner.Kinds())
	if err != nil {
		return fail(err)
	}
	if err := settled(cfg.Deterministic); err != nil {
		return "", nil, err
	}
	store, err := cache.Existing(cfg.Cache)
	if err != nil {
		return fail(err)
	}
	plan, err := planOf(cfg, store.Hasher())
	if err != nil {
		return fail(err)
	}
	home, err := os.MkdirTemp("", "upi-interim-")
	if err != nil {
		return fail(err)
	}
	done = func() { os.RemoveAll(home) }
	// Tables of several runs are told apart by the names of their directories.
	dir = filepath.Join(home, filepath.Base(filepath.Clean(run)))
	if err := os.Mkdir(dir, 0o777); err != nil {
		done()
		return fail(err)
	}
	progress, err := pipeline.Interim(ctx, plan, store, dir)
	if err != nil {
		done()
		return fail(err)
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "config.yaml"), text, 0o666)
	}
	if err != nil {
		done()
		return fail(err)
	}
	fmt.Fprintf(w, "%s has not come to its end: %s; what is missing is not scored yet.\n\n", run, progress)
	return dir, done, nil
}

// eachRun puts the runs of a sweep in the place of its directory.
func eachRun(dirs []string) []string {
	var all []string
	for _, dir := range dirs {
		runs, err := pipeline.Runs(dir)
		if err != nil || len(runs) == 0 {
			runs = []string{dir} // whoever reads it says what is wrong with it
		}
		all = append(all, runs...)
	}
	return all
}
