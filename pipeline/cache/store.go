package cache

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"upi/pipeline/atomicfile"
	"upi/pipeline/content"
	"upi/pipeline/lock"
)

// Store is a cache directory.
type Store struct {
	root string

	mu sync.Mutex
	// leases are the files of the leases that this process holds.
	leases map[string]bool
}

// Existing opens a cache that is there, and changes nothing. The error wraps fs.ErrNotExist if there is none.
func Existing(dir string) (*Store, error) {
	root, err := filepath.Abs(dir)
	if err == nil {
		_, err = os.Stat(filepath.Join(root, "runs"))
	}
	if err != nil {
		return nil, fmt.Errorf("open cache %s: %w", dir, err)
	}
	return &Store{root: root, leases: map[string]bool{}}, nil
}

// Open makes the cache directory if need be, and removes what killed processes
// have left in it.
func Open(dir string) (*Store, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("locate cache: %w", err)
	}
	s := &Store{root: root, leases: map[string]bool{}}
	for _, d := range []string{"tmp", "partial", "locks", "runs", "hashes"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o777); err != nil {
			return nil, fmt.Errorf("make cache directory: %w", err)
		}
	}
	if err := s.sweep(); err != nil {
		return nil, fmt.Errorf("clean cache: %w", err)
	}
	return s, nil
}

// Root is the cache's directory, absolute.
func (s *Store) Root() string { return s.root }

// Hasher hashes input files, remembering hashes in the cache.
func (s *Store) Hasher() *content.Hasher { return content.NewHasher(filepath.Join(s.root, "hashes")) }

// Path is where the artefact of a task stands, or would stand.
func (s *Store) Path(stage string, key Key) string {
	return filepath.Join(s.root, stage, string(key[:min(2, len(key))]), string(key))
}

// Lookup returns the artefact under a key, or nil if there is none, or none of which the files are there. The error is a
// [*DamagedError] if something is there that is not what was written.
func (s *Store) Lookup(stage string, key Key) (*Artefact, error) {
	a, err := s.Recall(stage, key)
	if a != nil && a.Dropped {
		return nil, nil
	}
	return a, err
}

// Recall returns what Lookup does, and also the record of an artefact whose files were dropped.
func (s *Store) Recall(stage string, key Key) (*Artefact, error) {
	if err := check(stage, key); err != nil {
		return nil, err
	}
	dir := s.Path(stage, key)
	a, err := open(dir, key)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up in cache: %w", err)
	}
	// The time of last use, for GC; a cache that cannot be written has none.
	now := time.Now()
	_ = os.Chtimes(filepath.Join(dir, artefactFile), now, now)
	return a, nil
}

// Lock keeps other processes from working on a key; it waits for one that does
// and tells held of it.
func (s *Store) Lock(ctx context.Context, key Key, held func(lock.Holder)) (*lock.Lock, error) {
	l, err := lock.Wait(ctx, filepath.Join(s.root, "locks", string(key)), held)
	if err != nil {
		return nil, fmt.Errorf("lock key %s: %w", key.Short(), err)
	}
	return l, nil
}

// TryLock is Lock, but does not wait: the error is a [*lock.HeldError] if another process works on the key.
func (s *Store) TryLock(key Key) (*lock.Lock, error) {
	l, err := lock.Try(filepath.Join(s.root, "locks", string(key)))
	if err != nil {
		return nil, fmt.Errorf("lock key %s: %w", key.Short(), err)
	}
	return l, nil
}

// Partial is a directory that outlives a killed task of this key, made if need
// be. The caller holds the key's lock.
func (s *Store) Partial(key Key) (string, error) {
	dir := filepath.Join(s.root, "partial", string(key))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", fmt.Errorf("make checkpoint directory: %w", err)
	}
	return dir, nil
}

// DropPartial removes the directory of Partial.
func (s *Store) DropPartial(key Key) error {
	return os.RemoveAll(filepath.Join(s.root, "partial", string(key)))
}

// Remove takes an artefact out of the cache.
func (s *Store) Remove(stage string, key Key) error {
	if err := check(stage, key); err != nil {
		return err
	}
	bin, err := s.Begin()
	if err != nil {
		return err
	}
	defer bin.Discard()
	// Renamed away first, so that nobody sees an artefact half removed.
	err = os.Rename(s.Path(stage, key), filepath.Join(bin.home(), "removed"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove artefact: %w", err)
	}
	return nil
}

// Draft is an artefact in the making, in a directory that only its maker uses.
type Draft struct {
	store *Store
	lock  *lock.Lock
	name  string
}

// Begin starts an artefact. The caller ends it by Commit or Discard.
func (s *Store) Begin() (*Draft, error) {
	d := &Draft{store: s, name: rand.Text()}
	l, err := lock.Try(filepath.Join(s.root, "tmp", d.name+".lock"))
	if err != nil {
		return nil, fmt.Errorf("begin artefact: %w", err)
	}
	d.lock = l
	if err := os.MkdirAll(d.Dir(), 0o777); err != nil {
		d.Discard()
		return nil, fmt.Errorf("begin artefact: %w", err)
	}
	return d, nil
}

func (d *Draft) home() string { return filepath.Join(d.store.root, "tmp", d.name) }

// Dir is the directory in which the files of the artefact are to be written.
func (d *Draft) Dir() string { return filepath.Join(d.home(), "artefact") }

// Discard removes the draft; after Commit it does nothing.
func (d *Draft) Discard() {
	if d.lock == nil {
		return
	}
	os.RemoveAll(d.home())
	d.lock.Release()
	d.lock = nil
}

// Commit puts the draft into the cache under a.Key, and returns the artefact
// that stands there: an earlier one if there is one. With replace an earlier
// one with other bytes makes way, and differed is true.
func (d *Draft) Commit(a Artefact, replace bool) (put *Artefact, differed bool, err error) {
	defer d.Discard()
	if err := check(a.Stage, a.Key); err != nil {
		return nil, false, err
	}
	a.Format = format
	if err := a.seal(d.Dir()); err != nil {
		return nil, false, fmt.Errorf("write artefact: %w", err)
	}
	final := d.store.Path(a.Stage, a.Key)
	if err := os.MkdirAll(filepath.Dir(final), 0o777); err != nil {
		return nil, false, fmt.Errorf("put artefact in place: %w", err)
	}
	err = os.Rename(d.Dir(), final)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
		there, err := open(final, a.Key)
		same := err == nil && slices.Equal(there.Files, a.Files)
		if err == nil && !there.Dropped && (!replace || same) {
			return there, false, nil
		}
		differed = err == nil && !same
		if err := d.store.Remove(a.Stage, a.Key); err != nil {
			return nil, false, err
		}
		if err := os.Rename(d.Dir(), final); err != nil {
			return nil, false, fmt.Errorf("put artefact in place: %w", err)
		}
	} else if err != nil {
		return nil, false, fmt.Errorf("put artefact in place: %w", err)
	}
	if err := atomicfile.SyncDir(filepath.Dir(final)); err != nil {
		return nil, false, err
	}
	a.dir = final
	return &a, differed, nil
}

// elsewhere reports whether a lock was taken by a process of another machine not long ago. Locks of some file systems are known to
// one machine alone, so that one which is free may be held after all: what its holder may still use is left for a week.
func elsewhere(path string) bool {
	const while = 7 * 24 * time.Hour
	h := lock.Last(path)
	host, err := os.Hostname()
	return err == nil && h.Host != "" && h.Host != host && time.Since(h.Since) < while
}

// sweep removes the drafts of processes that are no more.
func (s *Store) sweep() error {
	tmp := filepath.Join(s.root, "tmp")
	entries, err := os.ReadDir(tmp)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, isLock := strings.CutSuffix(e.Name(), ".lock")
		if !isLock || elsewhere(filepath.Join(tmp, e.Name())) {
			continue
		}
		l, err := lock.Try(filepath.Join(tmp, e.Name()))
		var held *lock.HeldError
		if errors.As(err, &held) || errors.Is(err, os.ErrPermission) {
			continue
		}
		if err != nil {
			return err
		}
		removed := os.RemoveAll(filepath.Join(tmp, name))
		if err := errors.Join(removed, l.Release()); err != nil {
			return err
		}
	}
	return nil
}
