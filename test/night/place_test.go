package night

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"upi/pipeline"
	"upi/results"
)

// A place is where runs of one configuration take place: a working directory, a cache and an output.
type place struct {
	config        string // absolute
	work          string
	cache, output disk
	// shards are the files of images below work that trouble may come to.
	shards []string
	flags  []string
}

// newPlace makes a place with its cache and output in dir.
func newPlace(t *testing.T, dir, config, work string, flags []string) *place {
	t.Helper()
	p := &place{config: config, work: work, cache: disk{filepath.Join(dir, "cache")}, output: disk{filepath.Join(dir, "runs")}, flags: flags}
	for _, d := range []disk{p.cache, p.output} {
		if err := os.MkdirAll(d.dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// copied makes a place with copies of all that a run has read, under the names that the configuration knows.
func (p *place) copied(t *testing.T) *place {
	t.Helper()
	m, err := pipeline.ReadManifest(p.dir())
	must(t, err)
	c := newPlace(t, t.TempDir(), p.config, t.TempDir(), p.flags)
	for _, in := range m.Inputs {
		name, err := filepath.Rel(p.work, in.Path)
		if err != nil {
			t.Fatal(err)
		}
		if !filepath.IsLocal(name) {
			continue // its own name stands in the configuration
		}
		to := filepath.Join(c.work, name)
		if in.Role == "shard" {
			c.shards = append(c.shards, to)
		}
		if err := clone(to, in.Path); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.shards) == 0 {
		t.Fatalf("%s reads no images below %s", p.config, p.work)
	}
	return c
}

func clone(to, from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o666)
}

// dir is the run's directory.
func (p *place) dir() string { return filepath.Join(p.output.dir, "run") }

// An attempt is a process of the command.
type attempt struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	ended  chan struct{}
}

// start starts a command of upi in the place.
func (p *place) start(t *testing.T, args ...string) *attempt {
	t.Helper()
	// The test's own context ends before its cleanup: nothing is left running.
	a := &attempt{cmd: exec.CommandContext(t.Context(), upi, args...), ended: make(chan struct{})}
	a.cmd.Dir, a.cmd.Env, a.cmd.Stderr, a.cmd.Stdout = p.work, os.Environ(), &a.stderr, io.Discard
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(a.ended)
		a.cmd.Wait()
	}()
	return a
}

// run starts the run.
func (p *place) run(t *testing.T) *attempt {
	t.Helper()
	return p.start(t, append([]string{"run", p.config, "--set", "name=run", "--set", "output=" + p.output.dir, "--set", "cache=" + p.cache.dir},
		p.flags...)...)
}

// done does a run to its end.
func (p *place) done(t *testing.T) {
	t.Helper()
	a := p.run(t)
	if code := a.wait(); code != pipeline.ExitDone {
		t.Fatalf("%v\n%s", a.cmd.ProcessState, a.stderr.Bytes())
	}
}

// took is the time that the tasks of the last run have taken, whenever that was.
func (p *place) took(t *testing.T) time.Duration {
	t.Helper()
	m, err := pipeline.ReadManifest(p.dir())
	must(t, err)
	seconds := 0.0
	for _, task := range m.Tasks {
		seconds += task.Seconds
	}
	return time.Duration(seconds / float64(runtime.GOMAXPROCS(0)) * float64(time.Second))
}

// wait returns the exit code, -1 after a signal.
func (a *attempt) wait() int {
	<-a.ended
	return a.cmd.ProcessState.ExitCode()
}

// within reports whether the process ended within a time.
func (a *attempt) within(ctx context.Context, d time.Duration) bool {
	select {
	case <-a.ended:
		return true
	case <-ctx.Done():
		return true
	case <-time.After(d):
		return false
	}
}

// crashed reports whether the process shows that it came to a stop which nobody wrote.
func (a *attempt) crashed() bool {
	for _, sign := range []string{"panic:", "goroutine ", "fatal error:", "SIGSEGV", "SIGABRT", "SIGBUS", "terminate called"} {
		if strings.Contains(a.stderr.String(), sign) {
			return true
		}
	}
	return false
}

// published reads the files that a run has left for people to compare: perturbations, scores and tables.
func (p *place) published(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, pattern := range []string{results.PerturbationsFile, results.ScoresDir + "/*", results.TablesDir + "/*"} {
		paths, err := filepath.Glob(filepath.Join(p.dir(), pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no %s in %s: %v", pattern, p.dir(), err)
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files[strings.TrimPrefix(path, p.dir()+"/")] = content
		}
	}
	return files
}
