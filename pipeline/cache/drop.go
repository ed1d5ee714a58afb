package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"upi/pipeline/lock"
)

// Name is the stage and the key of an artefact.
type Name struct {
	Stage string
	Key   Key
}

// Drop removes the files of artefacts that no task needs any more, and leaves their records: what was counted, what it came from, the
// hashes of what was written. Artefacts that another run needs which goes on stay, and so do those that somebody works on. It returns
// how many bytes were freed.
func (s *Store) Drop(ctx context.Context, names []Name) (freed int64, err error) {
	fail := func(err error) (int64, error) { return freed, fmt.Errorf("drop from cache: %w", err) }
	guard, err := s.guard(ctx)
	if err != nil {
		return fail(err)
	}
	defer guard.Release()
	needed, err := s.neededByOthers()
	if err != nil {
		return fail(err)
	}
	for _, n := range names {
		if slices.ContainsFunc(needed, func(keys map[Key]bool) bool { return keys[n.Key] }) {
			continue
		}
		size, err := s.dropFiles(n)
		if err != nil {
			return fail(err)
		}
		freed += size
	}
	return freed, nil
}

// neededByOthers are the keys that runs of other processes need which go on. A run notes them before it looks for the first artefact.
func (s *Store) neededByOthers() ([]map[Key]bool, error) {
	files, err := s.noted()
	if err != nil {
		return nil, err
	}
	var all []map[Key]bool
	for _, path := range files {
		if !leased(path) || s.owns(path) {
			continue
		}
		u, err := readUse(path)
		if err != nil {
			return nil, fmt.Errorf("read lease %s: %w", path, err)
		}
		all = append(all, setOf(u.Current))
	}
	return all, nil
}

func (s *Store) dropFiles(n Name) (int64, error) {
	if err := check(n.Stage, n.Key); err != nil {
		return 0, err
	}
	l, err := lock.Try(filepath.Join(s.root, "locks", string(n.Key)))
	var held *lock.HeldError
	if errors.As(err, &held) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer l.Release()
	dir := s.Path(n.Stage, n.Key)
	a, err := open(dir, n.Key)
	if err != nil { // it is not there, or damaged: whoever needs it makes it again
		return 0, nil
	}
	freed := int64(0)
	// The record first: files of which some are missing would look like damage.
	if !a.Dropped {
		a.Dropped, freed = true, a.Size()
		if err := a.record(dir); err != nil {
			return 0, err
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if e.Name() == artefactFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return 0, err
		}
	}
	return freed, nil
}
