package lock

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lockless has the tests' file system count as one without locks.
func lockless(t *testing.T) {
	var s unix.Stat_t
	if err := unix.Stat(t.TempDir(), &s); err != nil {
		t.Fatal(err)
	}
	unlockable.Store(s.Dev, true)
	t.Cleanup(func() { unlockable.Delete(s.Dev) })
}

// TestWithoutFlock: what holds of locks holds where the file system has none.
func TestWithoutFlock(t *testing.T) {
	lockless(t)
	t.Run("try", TestTry)
	t.Run("wait", TestWaitGivesUpWithItsContext)
	t.Run("exclusion", TestExclusion)
}

// TestTakenOver: a lock whose holder is no more is taken over: at once if it was a process of this machine, else when it has not been
// rewritten for a while.
func TestTakenOver(t *testing.T) {
	lockless(t)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	const nobody = "4194305" // above the largest process id of Linux
	for name, c := range map[string]struct {
		text string
		age  time.Duration
		held bool
	}{
		"dead process":              {`{"pid":` + nobody + `,"host":"` + host + `"}`, 0, false},
		"living process":            {`{"pid":1,"host":"` + host + `"}`, time.Hour, true},
		"other machine":             {`{"pid":` + nobody + `,"host":"not-` + host + `"}`, 0, true},
		"other machine, long quiet": {`{"pid":1,"host":"not-` + host + `"}`, time.Hour, false},
		"not yet written":           {"", 0, true},
		"never written":             {"", time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lock")
			if err := os.WriteFile(path, []byte(c.text), 0o666); err != nil {
				t.Fatal(err)
			}
			then := time.Now().Add(-c.age)
			if err := os.Chtimes(path, then, then); err != nil {
				t.Fatal(err)
			}
			if _, held := Held(path); held != c.held {
				t.Errorf("held %v", held)
			}
			l, err := Try(path)
			var other *HeldError
			if errors.As(err, &other) != c.held || !c.held && err != nil {
				t.Fatalf("got %v", err)
			}
			if l == nil {
				return
			}
			if _, held := Held(path); !held {
				t.Error("not held after it was taken over")
			}
			if err := l.Release(); err != nil {
				t.Error(err)
			}
			if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// TestLost: a holder that was taken over lets the new holder's file be.
func TestLost(t *testing.T) {
	lockless(t)
	path := filepath.Join(t.TempDir(), "lock")
	l, err := Try(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	other, err := Try(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	if _, held := Held(path); !held {
		t.Error("the new holder has lost its lock")
	}
	if err := other.Release(); err != nil {
		t.Error(err)
	}
}
