package lock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestTry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	a, err := Try(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Try(path)
	var held *HeldError
	if !errors.As(err, &held) || held.Holder.PID != os.Getpid() {
		t.Errorf("got %v", err)
	}
	if h, ok := Held(path); !ok || h.PID != os.Getpid() {
		t.Errorf("got %v, %v", h, ok)
	}
	if err := a.Release(); err != nil {
		t.Fatal(err)
	}
	if _, ok := Held(path); ok {
		t.Error("held after the release")
	}
	b, err := Try(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestWaitGivesUpWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	a, err := Try(path)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Release()
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	_, err = Wait(ctx, path, func(h Holder) {
		told++
		cancel()
	})
	if !errors.Is(err, context.Canceled) || told != 1 {
		t.Errorf("got %v, told %d times", err, told)
	}
}

// TestExclusion: of many goroutines that come and go, one at a time is inside.
func TestExclusion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	inside, entered := 0, 0
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for got := 0; got < 20; {
				l, err := Try(path)
				var held *HeldError
				if errors.As(err, &held) {
					time.Sleep(time.Millisecond)
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				got++
				mu.Lock()
				inside++
				entered++
				if inside != 1 {
					t.Errorf("%d inside", inside)
				}
				mu.Unlock()
				mu.Lock()
				inside--
				mu.Unlock()
				if err := l.Release(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if entered != 160 {
		t.Errorf("entered %d times", entered)
	}
}
