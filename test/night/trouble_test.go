package night

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"upi/pipeline"
	"upi/pipeline/lock"
	"upi/test/internal/command"
)

// A trouble is one kind of thing that goes wrong at night.
type trouble struct {
	name string
	// mounts says that it takes a disk of its own.
	mounts bool
	// before comes ahead of the start of a run, strike in the midst of it, and heal after its end. Each may be nil. They return
	// what they did it to.
	before func(t *testing.T, p *place, r *rand.Rand) string
	strike func(t *testing.T, p *place, r *rand.Rand, a *attempt) string
	heal   func(t *testing.T, p *place)
	// early says that it finds nothing to harm late in a run.
	early bool
	// code is the run's exit code if the trouble reached it, and says what stderr holds then, beside what it was done to.
	code int
	says []string
	// hurts says that a run which has come to its end may have read other images.
	hurts bool
}

// killed is the exit code of a process that a signal has ended.
const killed = -1

var troubles = []trouble{
	{name: "kill -9", strike: send(syscall.SIGKILL), code: killed},
	{name: "SIGTERM", strike: send(syscall.SIGTERM), code: pipeline.ExitInterrupted, says: []string{"signal terminated"}},
	{name: "SIGINT", strike: send(syscall.SIGINT), code: pipeline.ExitInterrupted, says: []string{"signal interrupt"}},
	{name: "full cache", mounts: true, strike: fill(func(p *place) disk { return p.cache }), heal: healDisks, code: pipeline.ExitFailed,
		says: []string{"no space left on device", "free some space"}},
	{name: "full output", mounts: true, strike: fill(func(p *place) disk { return p.output }), heal: healDisks, code: pipeline.ExitFailed,
		says: []string{"no space left on device", "free some space"}},
	{name: "read-only cache", mounts: true, before: readOnly(func(p *place) disk { return p.cache }), heal: healDisks, code: pipeline.ExitFailed,
		says: []string{"read-only file system", "must be writable"}},
	{name: "read-only output", mounts: true, before: readOnly(func(p *place) disk { return p.output }), heal: healDisks, code: pipeline.ExitFailed,
		says: []string{"read-only file system", "must be writable"}},
	{name: "shard vanishes", before: unread, early: true, strike: spoil(func([]byte, *rand.Rand) []byte { return nil }), heal: restore, code: pipeline.ExitFailed, hurts: true},
	{name: "shard is cut", before: unread, early: true, strike: spoil(func(b []byte, r *rand.Rand) []byte { return b[:r.IntN(len(b))] }), heal: restore,
		code: pipeline.ExitFailed, hurts: true},
	{name: "bit flips in a shard", before: unread, early: true,
		strike: spoil(func(b []byte, r *rand.Rand) []byte { b[r.IntN(len(b))] ^= 1 << r.IntN(8); return b }), heal: restore, code: pipeline.ExitFailed, hurts: true},
	{name: "artefact is cut", before: cut},
	{name: "second run", strike: second},
	{name: "gc in between", strike: collect},
}

// send sends a signal. While its libraries load, a program can have no handler: send waits until the command answers signals.
func send(s syscall.Signal) func(*testing.T, *place, *rand.Rand, *attempt) string {
	return func(t *testing.T, _ *place, _ *rand.Rand, a *attempt) string {
		if s != syscall.SIGKILL && !command.Await(a.cmd.Process.Pid, func() bool { return a.within(t.Context(), 0) }) {
			return ""
		}
		_ = a.cmd.Process.Signal(s) // it may just have ended
		return ""
	}
}

func fill(choose func(*place) disk) func(*testing.T, *place, *rand.Rand, *attempt) string {
	return func(t *testing.T, p *place, r *rand.Rand, _ *attempt) string {
		must(t, choose(p).fill(int64(r.IntN(1<<15))))
		return ""
	}
}

func readOnly(choose func(*place) disk) func(*testing.T, *place, *rand.Rand) string {
	return func(t *testing.T, p *place, _ *rand.Rand) string {
		must(t, choose(p).lock())
		return ""
	}
}

func healDisks(t *testing.T, p *place) { must(t, errors.Join(p.cache.heal(), p.output.heal())) }

// unread has a run read its shards again.
func unread(t *testing.T, p *place, _ *rand.Rand) string {
	must(t, os.RemoveAll(filepath.Join(p.cache.dir, "images")))
	return ""
}

// aside is what is added to the name of a shard that trouble has come to.
const aside = ".aside"

// spoil puts another content in a shard's place; nil is no file at all.
func spoil(change func([]byte, *rand.Rand) []byte) func(*testing.T, *place, *rand.Rand, *attempt) string {
	return func(t *testing.T, p *place, r *rand.Rand, _ *attempt) string {
		path := p.shards[r.IntN(len(p.shards))]
		content, err := os.ReadFile(path)
		must(t, err)
		must(t, os.Rename(path, path+aside))
		if content = change(content, r); content != nil {
			must(t, os.WriteFile(path, content, 0o666))
		}
		return path
	}
}

func restore(t *testing.T, p *place) {
	for _, path := range p.shards {
		if err := os.Rename(path+aside, path); !errors.Is(err, fs.ErrNotExist) {
			must(t, err)
		}
	}
}

// cut shortens a file of an artefact, as a machine that loses its power may.
func cut(t *testing.T, p *place, r *rand.Rand) string {
	paths, err := filepath.Glob(filepath.Join(p.cache.dir, "*", "??", "*", "*"))
	must(t, err)
	if len(paths) == 0 {
		return ""
	}
	path := paths[r.IntN(len(paths))]
	info, err := os.Stat(path)
	must(t, err)
	if info.IsDir() || info.Size() == 0 {
		return ""
	}
	must(t, os.Truncate(path, r.Int64N(info.Size())))
	return path
}

// second starts the same run again once the first has taken the directory: it is turned away, with the pid of the first.
func second(t *testing.T, p *place, _ *rand.Rand, a *attempt) string {
	t.Helper()
	for holder := (lock.Holder{}); holder.PID != a.cmd.Process.Pid; {
		if a.within(t.Context(), time.Millisecond) {
			return "" // too late
		}
		if text, err := os.ReadFile(filepath.Join(p.dir(), "lock")); err == nil {
			_ = json.Unmarshal(text, &holder) // it may be half written
		}
	}
	b := p.run(t)
	code := b.wait()
	select {
	case <-a.ended:
		return "" // too late
	default:
	}
	if pid := fmt.Sprintf("process %d on ", a.cmd.Process.Pid); code != pipeline.ExitLocked || !strings.Contains(b.stderr.String(), pid) {
		t.Errorf("the second run: %v, want exit code 4 and %q\n%s", b.cmd.ProcessState, pid, b.stderr.Bytes())
	}
	return ""
}

// collect takes from the cache whatever no run needs.
func collect(t *testing.T, p *place, _ *rand.Rand, _ *attempt) string {
	t.Helper()
	if g := p.start(t, "gc", "--all", "--cache", p.cache.dir); g.wait() != pipeline.ExitDone {
		t.Errorf("gc: %v\n%s", g.cmd.ProcessState, g.stderr.Bytes())
	}
	return ""
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
