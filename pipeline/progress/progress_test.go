package progress

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// play reports a small run: two stages, a hit, a failure and a skipped task.
func play(r Reporter) {
	fit := func(label string) Task { return Task{Stage: "fit", Label: label, Shard: label + ".parquet"} }
	r.Begin([]Stage{{Name: "fit", Tasks: 4}, {Name: "tables", Tasks: 1}})
	for i, label := range []string{"a", "b", "c"} {
		r.Start(fit(label))
		r.Advance(fit(label), 1, 2)
		o := Outcome{Status: Done, Elapsed: 2 * time.Second, Images: 10}
		if i == 1 {
			o = Outcome{Status: Failed, Elapsed: time.Second, Err: errors.New("shard is broken")}
		}
		r.Finish(fit(label), o)
	}
	r.Start(fit("d"))
	r.Finish(fit("d"), Outcome{Status: Hit, Images: 1000})
	r.Finish(Task{Stage: "tables", Label: "all"}, Outcome{Status: Skipped})
	r.End()
}

func TestLog(t *testing.T) {
	var b bytes.Buffer
	handler := slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	log := NewLog(slog.New(handler).With("run", "mnist"))
	now := time.Unix(0, 0)
	log.now = func() time.Time { now = now.Add(time.Second); return now }
	play(log)
	want := `level=INFO msg=progress run=mnist stage=fit task=b shard=b.parquet part=1 parts=2 tasks_done=1 tasks=4 seconds_left=5
level=ERROR msg="task failed" run=mnist stage=fit task=b shard=b.parquet seconds=1 error="shard is broken"
level=INFO msg="stage finished" run=mnist stage=fit done=2 hit=1 failed=1 skipped=0 seconds=4 images=20
level=INFO msg="stage finished" run=mnist stage=tables done=0 hit=0 failed=0 skipped=1 seconds=0 images=0
`
	got := strings.Split(b.String(), "\n")
	if len(got) != len(strings.Split(want, "\n")) {
		t.Errorf("got\n%s", b.String())
	}
	for _, line := range got {
		if !strings.Contains(want, line) {
			t.Errorf("%q is not expected", line)
		}
	}
}

func TestNewLogsToAFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, log := New(f, "mnist", Text)
	if _, ok := r.(*Log); !ok {
		t.Errorf("got a %T for a file", r)
	}
	log.Info("hello", "stage", "fit")
	text, err := os.ReadFile(f.Name())
	if err != nil || !strings.Contains(string(text), "msg=hello run=mnist stage=fit") {
		t.Errorf("%v: %s", err, text)
	}
}

// TestReportersTakeManyGoroutines is for the race detector.
func TestReportersTakeManyGoroutines(t *testing.T) {
	for _, r := range []Reporter{Silent{}, NewLog(slog.New(slog.DiscardHandler)), NewBars(&bytes.Buffer{})} {
		r.Begin([]Stage{{Name: "fit", Tasks: 80}})
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				for j := range 10 {
					task := Task{Stage: "fit", Label: string(rune('a'+i)) + string(rune('a'+j))}
					r.Start(task)
					r.Advance(task, 1, 3)
					r.Finish(task, Outcome{Status: Done, Elapsed: time.Millisecond, Images: 1})
				}
			})
		}
		group.Wait()
		r.End()
	}
}
