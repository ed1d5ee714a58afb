// Package lock gives files that at most one process holds. The kernel lets go
// of a lock when its process dies, so a killed run locks nobody out.
package lock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Holder says who holds a lock.
type Holder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
	// Token is the lock's own, where the file system has no locks.
	Token string `json:"token,omitempty"`
}

func (h Holder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d on %s since %s", h.PID, h.Host, h.Since.Format(time.DateTime))
}

// HeldError says that a lock is held by somebody else.
type HeldError struct {
	Path   string
	Holder Holder
}

func (e *HeldError) Error() string { return fmt.Sprintf("%s is held by %s", e.Path, e.Holder) }

// Lock is a lock that this process holds.
type Lock struct {
	f    *os.File
	path string
	// token and released are set where the file system has no locks.
	token    string
	released chan struct{}
}

// Try takes the lock of the file path, which it makes if need be; the error is a
// [*HeldError] if another process, or this one by another Lock, holds it.
func Try(path string) (*Lock, error) {
	without, err := withoutFlock(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if without {
		return tryFile(path)
	}
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, fmt.Errorf("open lock: %w", err)
		}
		err = flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			holder, _ := read(f)
			held := &HeldError{Path: path, Holder: holder}
			f.Close()
			return nil, held
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		// The holder before may have removed the file between open and flock.
		same, err := stillAt(f, path)
		if err != nil || !same {
			f.Close()
			if err != nil {
				return nil, fmt.Errorf("lock %s: %w", path, err)
			}
			continue
		}
		// Who holds it is for people's eyes: a full disk must not stop a run here.
		_ = describe(f, "")
		return &Lock{f: f, path: path}, nil
	}
}

// Wait takes the lock of the file path, if need be after its holder has let go.
// The first time it has to wait it calls held.
func Wait(ctx context.Context, path string, held func(Holder)) (*Lock, error) {
	const pause = 100 * time.Millisecond
	for told := false; ; {
		l, err := Try(path)
		var other *HeldError
		if err == nil || !errors.As(err, &other) {
			return l, err
		}
		if !told && held != nil {
			held(other.Holder)
		}
		told = true
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %w: %w", other, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

// Held reports who holds the lock of the file path, if anybody does.
func Held(path string) (Holder, bool) {
	if without, err := withoutFlock(filepath.Dir(path)); err == nil && without {
		held, holder, _, err := holderOf(path)
		return holder, err == nil && held
	}
	f, err := os.Open(path)
	if err != nil {
		return Holder{}, false
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		return Holder{}, false
	}
	holder, _ := read(f)
	return holder, true
}

// Last reads who took the lock last, whether or not it is held; the zero value if that is not known.
func Last(path string) Holder {
	f, err := os.Open(path)
	if err != nil {
		return Holder{}
	}
	defer f.Close()
	holder, _ := read(f)
	return holder
}

// Moved says that the file stands at another path now, as after its directory was renamed.
func (l *Lock) Moved(path string) { l.path = path }

// Release removes the file and lets go of the lock.
func (l *Lock) Release() error {
	if l.released != nil {
		if err := l.releaseFile(); err != nil {
			return fmt.Errorf("release lock: %w", err)
		}
		return nil
	}
	removed := os.Remove(l.path)
	if err := errors.Join(removed, l.f.Close()); err != nil {
		return fmt.Errorf("release lock: %w", err)
	}
	return nil
}

func stillAt(f *os.File, path string) (bool, error) {
	mine, err := f.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(mine, there), err
}

func describe(f *os.File, token string) error {
	host, _ := os.Hostname()
	text, err := json.Marshal(Holder{PID: os.Getpid(), Host: host, Since: time.Now().Truncate(time.Second), Token: token})
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(append(text, '\n'), 0)
	return err
}

// read reads the holder, and the text that tells of it, not nil.
func read(f *os.File) (Holder, []byte) {
	var h Holder
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil || json.Unmarshal(text, &h) != nil {
		return Holder{}, append([]byte{}, text...)
	}
	return h, text
}
