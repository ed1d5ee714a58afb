package cache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"upi/pipeline/lock"
)

// Policy says what GC may remove. What a live run or the directory of a run
// still needs is never removed.
type Policy struct {
	// MaxAge removes what has not been used for so long; 0 is no limit.
	MaxAge time.Duration
	// MaxBytes removes the longest unused until the cache is no larger; 0 is no
	// limit.
	MaxBytes int64
	// All removes everything that is not needed.
	All bool
	// DryRun removes nothing and reports what would be.
	DryRun bool
}

// Collected is what GC did.
type Collected struct {
	// Artefacts and checkpoints together, with their sizes in bytes.
	Removed, Kept, Needed                int
	RemovedBytes, KeptBytes, NeededBytes int64
	// Holders are the runs that need something, those that hold most first.
	Holders []Holder
}

// A Holder is a run that needs something of the cache.
type Holder struct {
	// Dir is the run's directory.
	Dir string
	// Live says that the run goes on.
	Live bool
	// Bytes is the size of all that it needs, and Alone of what no other run does.
	Bytes, Alone int64
}

// item is something that GC can remove.
type item struct {
	stage  string // empty for a checkpoint
	key    Key
	path   string
	size   int64
	used   time.Time
	needed bool
}

// GC removes artefacts and checkpoints by age and size. Runs may go on while it
// works; a run that starts waits until it is done.
func (s *Store) GC(ctx context.Context, p Policy) (Collected, error) {
	fail := func(err error) (Collected, error) {
		return Collected{}, fmt.Errorf("collect garbage in %s: %w", s.root, err)
	}
	guard, err := s.guard(ctx)
	if err != nil {
		return fail(err)
	}
	defer guard.Release()
	if !p.DryRun {
		if err := errors.Join(s.sweep(), s.sweepLocks()); err != nil {
			return fail(err)
		}
	}
	claims, err := s.claims(!p.DryRun)
	if err != nil {
		return fail(err)
	}
	keep := map[Key]bool{}
	for _, c := range claims {
		for key := range c.keys {
			keep[key] = true
		}
	}
	items, err := s.items()
	if err != nil {
		return fail(err)
	}
	made := map[Key]bool{}
	var total int64
	for _, it := range items {
		made[it.key] = made[it.key] || it.stage != ""
		total += it.size
	}
	for i, it := range items {
		// A checkpoint beside its artefact was left by a kill between the two.
		items[i].needed = keep[it.key] && (it.stage != "" || !made[it.key])
	}
	slices.SortStableFunc(items, func(a, b item) int { return a.used.Compare(b.used) })
	var c Collected
	for _, it := range items {
		old := p.MaxAge > 0 && time.Since(it.used) > p.MaxAge
		large := p.MaxBytes > 0 && total > p.MaxBytes
		remove := !it.needed && (p.All || old || large)
		if remove && !p.DryRun {
			if remove, err = s.drop(it); err != nil {
				return c, fmt.Errorf("collect garbage in %s: %w", s.root, err)
			}
		}
		c.add(it, remove)
		if remove {
			total -= it.size
		}
		if err := ctx.Err(); err != nil {
			return c, err
		}
	}
	c.Holders = holders(claims, items)
	if p.DryRun {
		return c, nil
	}
	return c, s.Hasher().Forget()
}

// holders adds up what each run needs.
func holders(claims []claim, items []item) []Holder {
	all := make([]Holder, len(claims))
	for i, c := range claims {
		all[i] = Holder{Dir: c.dir, Live: c.live}
	}
	for _, it := range items {
		if !it.needed {
			continue
		}
		only, n := 0, 0
		for i, c := range claims {
			if c.keys[it.key] {
				all[i].Bytes += it.size
				only, n = i, n+1
			}
		}
		if n == 1 {
			all[only].Alone += it.size
		}
	}
	slices.SortStableFunc(all, func(a, b Holder) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return all
}

func (c *Collected) add(it item, removed bool) {
	if removed {
		c.Removed++
		c.RemovedBytes += it.size
		return
	}
	c.Kept++
	c.KeptBytes += it.size
	if it.needed {
		c.Needed++
		c.NeededBytes += it.size
	}
}

// drop removes one item, unless somebody works on its key.
func (s *Store) drop(it item) (bool, error) {
	l, err := lock.Try(filepath.Join(s.root, "locks", string(it.key)))
	var held *lock.HeldError
	if errors.As(err, &held) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer l.Release()
	if it.stage == "" {
		return true, s.DropPartial(it.key)
	}
	return true, s.Remove(it.stage, it.key)
}

// sweepLocks removes the lock files that killed processes have left.
func (s *Store) sweepLocks() error {
	paths, err := filepath.Glob(filepath.Join(s.root, "locks", "*"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		l, err := lock.Try(path)
		var held *lock.HeldError
		if errors.As(err, &held) {
			continue
		}
		if err != nil {
			return err
		}
		if err := l.Release(); err != nil {
			return err
		}
	}
	return nil
}

// items lists all artefacts and checkpoints, damaged ones too.
func (s *Store) items() ([]item, error) {
	var items []item
	paths, err := filepath.Glob(filepath.Join(s.root, "*", "??", "*"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		stage, key := filepath.Base(filepath.Dir(filepath.Dir(path))), Key(filepath.Base(path))
		if check(stage, key) == nil {
			items = append(items, item{stage: stage, key: key, path: path})
		}
	}
	if paths, err = filepath.Glob(filepath.Join(s.root, "partial", "*")); err != nil {
		return nil, err
	}
	for _, path := range paths {
		items = append(items, item{key: Key(filepath.Base(path)), path: path})
	}
	for i := range items {
		if err := items[i].measure(); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// measure finds the size, and the time of last use: the newest of its files'.
func (it *item) measure() error {
	return filepath.WalkDir(it.path, func(_ string, d fs.DirEntry, err error) error {
		var info fs.FileInfo
		if err == nil {
			info, err = d.Info()
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil // its task has just ended
		}
		if err != nil {
			return err
		}
		if !d.IsDir() {
			it.size += info.Size()
		}
		if info.ModTime().After(it.used) {
			it.used = info.ModTime()
		}
		return nil
	})
}
