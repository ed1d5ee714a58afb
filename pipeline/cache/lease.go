package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"upi/pipeline/atomicfile"
	"upi/pipeline/lock"
)

// Lease tells GC which artefacts a run needs.
type Lease struct {
	store *Store
	lock  *lock.Lock
	use   use
}

// use is the file of a lease. It stays when the run has ended.
type use struct {
	// Dir is the run's directory: what it needs is kept while it exists.
	Dir string `json:"dir"`
	// Host is the machine that has it, and Written is when the run was last at work.
	Host    string    `json:"host,omitempty"`
	Written time.Time `json:"written,omitzero"`
	// Current are the keys of the run that goes on, or was cut off.
	Current []Key `json:"current,omitempty"`
	// Finished are the keys of the last run that came to its end.
	Finished []Key `json:"finished,omitempty"`
}

// Lease notes the keys that the run in the directory runDir is about to use.
// The caller holds the lock of that directory.
func (s *Store) Lease(ctx context.Context, runDir string, keys []Key) (*Lease, error) {
	fail := func(err error) (*Lease, error) { return nil, fmt.Errorf("note what the run needs: %w", err) }
	dir, err := filepath.Abs(runDir)
	if err != nil {
		return fail(err)
	}
	guard, err := s.guard(ctx)
	if err != nil {
		return fail(err)
	}
	defer guard.Release()
	l := &Lease{store: s, use: use{Dir: dir}}
	if l.lock, err = lock.Wait(ctx, l.path(".lock"), nil); err != nil {
		return fail(err)
	}
	if old, err := readUse(l.path(".json")); err == nil {
		l.use = old
	}
	host, _ := os.Hostname()
	l.use.Dir, l.use.Current, l.use.Host = dir, keys, host
	if err := l.write(); err != nil {
		l.lock.Release()
		return fail(err)
	}
	s.own(l.path(".json"), true)
	return l, nil
}

// Finish notes that the run is done and needs the artefacts of these keys.
func (l *Lease) Finish(keys []Key) error {
	l.use.Current, l.use.Finished = nil, keys
	return l.write()
}

// Release ends the lease. What the run has noted stays.
func (l *Lease) Release() error {
	l.store.own(l.path(".json"), false)
	return l.lock.Release()
}

// own notes that this process holds a lease, or no longer does.
func (s *Store) own(path string, held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if held {
		s.leases[path] = true
	} else {
		delete(s.leases, path)
	}
}

func (s *Store) owns(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leases[path]
}

func (l *Lease) path(suffix string) string {
	sum := sha256.Sum256([]byte(l.use.Dir))
	return filepath.Join(l.store.root, "runs", hex.EncodeToString(sum[:16])+suffix)
}

func (l *Lease) write() error {
	l.use.Written = time.Now().Truncate(time.Second)
	text, err := json.Marshal(l.use)
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(l.path(".json"), text)
}

// Move renames the directory of a run with results, and keeps what they need for the new name. The caller holds the lock of the
// directory.
func (s *Store) Move(ctx context.Context, from, to string) error {
	fail := func(err error) error { return fmt.Errorf("move %s to %s: %w", from, to, err) }
	old, err := filepath.Abs(from)
	if err != nil {
		return fail(err)
	}
	now, err := filepath.Abs(to)
	if err != nil {
		return fail(err)
	}
	guard, err := s.guard(ctx)
	if err != nil {
		return fail(err)
	}
	defer guard.Release()
	was, is := &Lease{store: s, use: use{Dir: old}}, &Lease{store: s, use: use{Dir: now}}
	u, err := readUse(was.path(".json"))
	switch {
	case err == nil:
		is.use.Current, is.use.Finished = u.Current, u.Finished
		if err := is.write(); err != nil {
			return fail(err)
		}
	case !errors.Is(err, os.ErrNotExist):
		return fail(err)
	}
	return os.Rename(old, now)
}

// guard keeps GC from running while a lease is written, and the other way round.
func (s *Store) guard(ctx context.Context) (*lock.Lock, error) {
	return lock.Wait(ctx, filepath.Join(s.root, "gc.lock"), nil)
}

// A claim is what one run needs of the cache.
type claim struct {
	dir  string
	live bool
	keys map[Key]bool
}

// claims lists what live runs and existing run directories need. With forget the notes of runs whose directory is gone are removed.
func (s *Store) claims(forget bool) ([]claim, error) {
	files, err := s.noted()
	if err != nil {
		return nil, err
	}
	var all []claim
	for _, path := range files {
		u, err := readUse(path)
		if err != nil {
			// Not knowing what a run needs, nothing may be removed.
			return nil, fmt.Errorf("read lease %s: %w", path, err)
		}
		live := leased(path)
		if _, err := os.Stat(u.Dir); errors.Is(err, os.ErrNotExist) && !live && !u.elsewhere() {
			if forget {
				if err := os.Remove(path); err != nil {
					return nil, err
				}
			}
			continue
		}
		all = append(all, claim{dir: u.Dir, live: live, keys: setOf(u.Current, u.Finished)})
	}
	return all, nil
}

// noted lists the files of all leases.
func (s *Store) noted() ([]string, error) {
	return filepath.Glob(filepath.Join(s.root, "runs", "*.json"))
}

// leased reports whether the run that a lease's file is of goes on.
func leased(path string) bool {
	_, live := lock.Held(strings.TrimSuffix(path, ".json") + ".lock")
	return live
}

func setOf(lists ...[]Key) map[Key]bool {
	set := map[Key]bool{}
	for _, keys := range lists {
		for _, k := range keys {
			set[k] = true
		}
	}
	return set
}

// elsewhere reports whether the run's directory is another machine's, which this one may not see, and not old.
func (u use) elsewhere() bool {
	const while = 7 * 24 * time.Hour
	host, err := os.Hostname()
	return err == nil && u.Host != "" && u.Host != host && time.Since(u.Written) < while
}

func readUse(path string) (use, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return use{}, err
	}
	var u use
	return u, json.Unmarshal(text, &u)
}
