package lock

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Where the file system has no locks, the file itself is the lock: who makes it holds it. The holder rewrites it every few seconds;
// one that another machine has not rewritten for a while, or whose process on this machine is no more, has no holder, and is taken
// over. A holder whose machine stood still for longer may lose it so: what must not happen twice must not hang on such a lock.
const (
	beat  = 5 * time.Second
	stale = 60 * time.Second
)

// unlockable holds for each device whether flock fails there.
var unlockable sync.Map

// withoutFlock reports whether the file system of a folder has no locks.
func withoutFlock(dir string) (bool, error) {
	var s unix.Stat_t
	if err := unix.Stat(dir, &s); err != nil {
		return false, &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	if known, ok := unlockable.Load(s.Dev); ok {
		return known.(bool), nil
	}
	f, err := os.CreateTemp(dir, ".lock-*")
	if err != nil {
		return false, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	err = flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	without := errors.Is(err, unix.ENOLCK) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP)
	unlockable.Store(s.Dev, without)
	return without, nil
}

// flock is the system's; a signal does not interrupt it.
func flock(fd, how int) error {
	for {
		if err := unix.Flock(fd, how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// tryFile is Try by the file's existence.
func tryFile(path string) (*Lock, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil {
			l := &Lock{f: f, path: path, token: rand.Text(), released: make(chan struct{})}
			if err := describe(f, l.token); err != nil {
				f.Close()
				os.Remove(path)
				return nil, fmt.Errorf("lock %s: %w", path, err)
			}
			go l.keep()
			return l, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("lock: %w", err)
		}
		held, holder, text, err := holderOf(path)
		switch {
		case err != nil:
			return nil, fmt.Errorf("lock %s: %w", path, err)
		case held:
			return nil, &HeldError{Path: path, Holder: holder}
		case text == nil:
			continue // it has just been released
		}
		if err := clear(path, text); err != nil {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
	}
}

// keep rewrites the file until the lock is released.
func (l *Lock) keep() {
	for {
		select {
		case <-l.released:
			return
		case <-time.After(beat):
			_ = describe(l.f, l.token)
		}
	}
}

// holderOf reads who holds the file; text is nil if it is not there.
func holderOf(path string) (held bool, h Holder, text []byte, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, Holder{}, nil, nil
	}
	if err != nil {
		return false, Holder{}, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, Holder{}, nil, err
	}
	h, text = read(f)
	if host, _ := os.Hostname(); h.PID != 0 && h.Host == host {
		return !errors.Is(unix.Kill(h.PID, 0), unix.ESRCH), h, text, nil
	}
	now, err := serverTime(filepath.Dir(path))
	return now.Sub(info.ModTime()) < stale, h, text, err
}

// serverTime is the time of the file system's clock, which its time stamps are of.
func serverTime(dir string) (time.Time, error) {
	f, err := os.CreateTemp(dir, ".time-*")
	if err != nil {
		return time.Time{}, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.WriteString("."); err != nil {
		return time.Time{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// clear takes the file of a holder that is no more out of the way. If another process has done so meanwhile and holds the lock, its
// file is put back.
func clear(path string, text []byte) error {
	aside := filepath.Join(filepath.Dir(path), ".old-"+rand.Text())
	err := os.Rename(path, aside)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer os.Remove(aside)
	if now, err := os.ReadFile(aside); err != nil || !bytes.Equal(now, text) {
		return errors.Join(err, ignoreExist(os.Link(aside, path)))
	}
	return nil
}

func ignoreExist(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// releaseFile removes the file, unless another process has taken it over.
func (l *Lock) releaseFile() error {
	close(l.released)
	text, err := os.ReadFile(l.path)
	if err == nil && strings.Contains(string(text), l.token) {
		err = os.Remove(l.path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.f.Close())
}
