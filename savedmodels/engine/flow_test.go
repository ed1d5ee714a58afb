package engine

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

func TestFlowKeepsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOf(rapid.Int()).Draw(t, "items")
		width := rapid.IntRange(1, 5).Draw(t, "width")
		var got []int
		var running, most atomic.Int64
		at := 0
		err := Flow(context.Background(), width,
			func() (int, error) {
				if at == len(items) {
					return 0, io.EOF
				}
				at++
				return items[at-1], nil
			},
			func(_ context.Context, item int) (int, error) {
				most.Store(max(most.Load(), running.Add(1)))
				defer running.Add(-1)
				return item + 1, nil
			},
			func(r int) error {
				got = append(got, r-1)
				return nil
			})
		if err != nil || !slices.Equal(got, items) {
			t.Fatalf("got %v, %v, want %v", got, err, items)
		}
		if n := most.Load(); n > int64(width) {
			t.Fatalf("%d at once, want at most %d", n, width)
		}
	})
}

// TestFlowEnds: with the first error in the order of the items, and with nothing left running.
func TestFlowEnds(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		work    func(i int) (int, error)
		deliver func(i int) error
		says    string
	}{
		"work":    {func(i int) (int, error) { return i, map[bool]error{true: broken}[i == 3] }, nil, "broken"},
		"deliver": {nil, func(i int) error { return map[bool]error{true: broken}[i == 3] }, "broken"},
		"panic": {func(i int) (int, error) {
			if i == 3 {
				panic("at the disco")
			}
			return i, nil
		}, nil, "panic: at the disco"},
	} {
		t.Run(name, func(t *testing.T) {
			var running atomic.Int64
			var delivered []int
			err := InOrder(t.Context(), 20, 3,
				func(_ context.Context, i int) (int, error) {
					running.Add(1)
					defer running.Add(-1)
					if c.work == nil {
						return i, nil
					}
					return c.work(i)
				},
				func(i, r int) error {
					delivered = append(delivered, r)
					if c.deliver == nil {
						return nil
					}
					return c.deliver(i)
				})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
			if running.Load() != 0 {
				t.Error("work goes on")
			}
			if n := len(delivered); n < 3 || n > 4 || !slices.IsSorted(delivered) {
				t.Errorf("delivered %v", delivered)
			}
		})
	}
}

func TestFlowIsCancelled(t *testing.T) {
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	err := InOrder(ctx, 1000, 2,
		func(_ context.Context, i int) (int, error) {
			if i == 5 {
				cancel(reason)
			}
			return i, nil
		},
		func(int, int) error { return nil })
	if !errors.Is(err, reason) {
		t.Errorf("got %v", err)
	}
}
