package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"upi/pipeline/atomicfile"
	"upi/pipeline/cache"
	"upi/pipeline/config"
)

// Other says that the results in a run's directory are those of another configuration.
type Other struct {
	// Changes are the settings that differ; empty where the manifest that would tell cannot be read.
	Changes []Change
	// Unreadable is why it cannot.
	Unreadable error
	// Kept is the directory in which the results are now; empty where they stay to be replaced.
	Kept string
}

// Why says in one line in what the configuration differs.
func (o *Other) Why() string {
	if o.Unreadable != nil {
		return o.Unreadable.Error()
	}
	const most = 5
	var parts []string
	for i, c := range o.Changes {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(o.Changes)-most))
			break
		}
		parts = append(parts, c.String())
	}
	return strings.Join(parts, ", ")
}

// Differs compares the configuration of the results in the directory of a run with another one, as JSON, and returns nil if there
// are no results or the configuration asks for the same.
func Differs(runDir string, settings any) (*Other, error) {
	m, err := ReadManifest(runDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return &Other{Unreadable: err}, nil
	}
	return differs(m, settings)
}

func differs(m *Manifest, settings any) (*Other, error) {
	text, err := canonical(settings)
	if err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	was, err := config.Identity(m.Config)
	if err != nil {
		return &Other{Unreadable: err}, nil
	}
	now, err := config.Identity(text)
	if err != nil {
		return nil, err
	}
	if changed := changes(flatten(was), flatten(now)); len(changed) > 0 {
		return &Other{Changes: changed}, nil
	}
	return nil, nil
}

// Keep looks whether the results in the directory are those of another configuration than the one that is to be run. Such results
// are moved to NAME.1 beside it (NAME.2 and so on after that), unless replace has them replaced; the directory is then as new.
// It returns nil where the configuration is the same or there are no results.
func (r *Run) Keep(ctx context.Context, store *cache.Store, d Description, replace bool) (*Other, error) {
	var other *Other
	switch {
	case r.unreadable != nil:
		other = &Other{Unreadable: r.unreadable}
	case r.previous == nil:
		return nil, nil
	default:
		var err error
		if other, err = differs(r.previous, d.Settings); other == nil || err != nil {
			return nil, err
		}
	}
	if replace {
		return other, nil
	}
	to, err := NextName(r.dir)
	if err != nil {
		return nil, fmt.Errorf("keep the results of another configuration: %w", err)
	}
	if err := r.moveTo(ctx, store, to); err != nil {
		return nil, fmt.Errorf("keep the results of another configuration: %w", Advise(err))
	}
	other.Kept = to
	return other, nil
}

// moveTo renames the directory, and goes on in a new one. Whoever watches the metrics does so until the new run has ended.
func (r *Run) moveTo(ctx context.Context, store *cache.Store, to string) error {
	if err := store.Move(ctx, r.dir, to); err != nil {
		return err
	}
	r.lock.Moved(filepath.Join(to, lockFile))
	old, success := r.lock, r.success
	opened := r.open()
	if err := errors.Join(opened, old.Release()); err != nil {
		return err
	}
	r.success = success
	err := atomicfile.Copy(filepath.Join(r.dir, metricsFile), filepath.Join(to, metricsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// NextName is the name that comes after those under which results of the run in a directory are kept: NAME.1, NAME.2, ...
func NextName(runDir string) (string, error) {
	entries, err := os.ReadDir(filepath.Dir(runDir))
	if err != nil {
		return "", err
	}
	last := 0
	for _, e := range entries {
		text, ok := strings.CutPrefix(e.Name(), filepath.Base(runDir)+".")
		if n, err := strconv.Atoi(text); ok && err == nil {
			last = max(last, n)
		}
	}
	return fmt.Sprintf("%s.%d", runDir, last+1), nil
}
