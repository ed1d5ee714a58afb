package beam

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"upi/pipeline"
	"upi/pipeline/cache"
)

// An event is what a worker process tells the driver, a line of its file.
type event struct {
	Kind string `json:"k"`
	// Task is the number of the task that it is about.
	Task int `json:"n"`
	// Worker is told once, in the first line.
	Worker string `json:"worker,omitempty"`
	Host   string `json:"host,omitempty"`
	// Text is an error, or what is to be said.
	Text string `json:"text,omitempty"`
	// Done and Total are the parts of the task.
	Done  int64 `json:"done,omitempty"`
	Total int64 `json:"total,omitempty"`
	// The rest tells of a task that has ended well.
	Key      pipeline.Key     `json:"key,omitempty"`
	Hit      bool             `json:"hit,omitempty"`
	Started  time.Time        `json:"started,omitzero"`
	Elapsed  time.Duration    `json:"elapsed,omitempty"`
	Seconds  float64          `json:"seconds,omitempty"`
	Counts   map[string]int64 `json:"counts,omitempty"`
	Warnings []cache.Warning  `json:"warnings,omitempty"`
	Memory   int64            `json:"memory,omitempty"`
}

// The kinds of events.
const (
	helloEvent   = "hello"
	startEvent   = "start"
	advanceEvent = "advance"
	doneEvent    = "done"
	failEvent    = "fail"
	brokenEvent  = "broken"
	logEvent     = "log"
)

// An eventWriter appends events to the file of this process, a few times a second: each time is a trip to the file server.
type eventWriter struct {
	mu   sync.Mutex
	file *os.File
	held bytes.Buffer
	err  error
}

const flushPause = 300 * time.Millisecond

// newEventWriter makes the file of a worker process; its first line says whose it is.
func newEventWriter(j *Job, name, worker, host string) (*eventWriter, error) {
	f, err := os.OpenFile(filepath.Join(j.dir, eventsDir, name+".jsonl"), os.O_WRONLY|os.O_CREATE|os.O_APPEND|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fmt.Errorf("tell the driver: %w", err)
	}
	w := &eventWriter{file: f}
	w.write(event{Kind: helloEvent, Worker: worker, Host: host})
	return w, w.flush()
}

func (w *eventWriter) write(e event) {
	line, err := json.Marshal(e)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.err = err
		return
	}
	w.held.Write(append(line, '\n'))
}

// flush makes what was written visible to other machines: a network file system shows what is synced.
func (w *eventWriter) flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held.Len() == 0 || w.err != nil {
		return w.err
	}
	_, err := w.file.Write(w.held.Bytes())
	w.held.Reset()
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		w.err = fmt.Errorf("tell the driver: %w", err)
	}
	return w.err
}

// An eventReader reads the events of all workers of a job as they come.
type eventReader struct {
	dir   string
	files map[string]*eventFile
}

type eventFile struct {
	offset int64
	worker string
	host   string
}

func newEventReader(j *Job) *eventReader {
	return &eventReader{dir: filepath.Join(j.dir, eventsDir), files: map[string]*eventFile{}}
}

// poll hands what is new to take, each worker's events in their order.
func (r *eventReader) poll(take func(from *eventFile, e event)) error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return fmt.Errorf("hear the workers: %w", err)
	}
	for _, entry := range entries {
		f := r.files[entry.Name()]
		if f == nil {
			f = &eventFile{}
			r.files[entry.Name()] = f
		}
		lines, err := f.more(filepath.Join(r.dir, entry.Name()))
		if err != nil {
			return fmt.Errorf("hear the workers: %w", err)
		}
		for _, line := range lines {
			var e event
			if err := json.Unmarshal(line, &e); err != nil {
				return fmt.Errorf("hear the workers: %s: %w", entry.Name(), err)
			}
			if e.Kind == helloEvent {
				f.worker, f.host = e.Worker, e.Host
			}
			take(f, e)
		}
	}
	return nil
}

// more reads the whole lines that have come since. The file is opened each time: that is when a network file system looks anew.
func (f *eventFile) more(path string) ([][]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || info.Size() <= f.offset {
		return nil, err
	}
	text := make([]byte, info.Size()-f.offset)
	n, err := file.ReadAt(text, f.offset)
	if n == 0 {
		return nil, err
	}
	whole := bytes.LastIndexByte(text[:n], '\n') + 1
	if whole == 0 {
		return nil, nil
	}
	f.offset += int64(whole)
	return bytes.Split(bytes.TrimSuffix(text[:whole], []byte{'\n'}), []byte{'\n'}), nil
}
