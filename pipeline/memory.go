package pipeline

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// memoryWatch samples the resident memory of the process, and keeps the most
// that it has seen while a stage had a task running.
type memoryWatch struct {
	running     func() []string
	done, ended chan struct{}

	mu   sync.Mutex
	peak map[string]int64
}

func watchMemory(running func() []string) *memoryWatch {
	const pause = 200 * time.Millisecond
	w := &memoryWatch{running: running, done: make(chan struct{}), ended: make(chan struct{}), peak: map[string]int64{}}
	go func() {
		defer close(w.ended)
		for {
			w.look()
			select {
			case <-w.done:
				return
			case <-time.After(pause):
			}
		}
	}()
	return w
}

func (w *memoryWatch) look() {
	now, stages := ResidentMemory(), w.running()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, stage := range stages {
		if now > 0 {
			w.peak[stage] = max(w.peak[stage], now)
		}
	}
}

// end stops the watch and returns the peaks in bytes.
func (w *memoryWatch) end() map[string]int64 {
	close(w.done)
	<-w.ended
	return w.peak
}

// ResidentMemory is the process's resident set in bytes, or 0 where there is no
// /proc to tell.
func ResidentMemory() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}
