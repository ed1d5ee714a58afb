package pipeline

import (
	"bufio"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"upi/pipeline/cache"
	"upi/pipeline/manifest"
)

// undisturbed runs a child to its end and returns its table.
func undisturbed(t *testing.T, c child) string {
	t.Helper()
	if out, err := c.command(t).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return c.table(t)
}

// intact fails unless everything that a reader could find is whole.
func intact(t *testing.T, c child) {
	t.Helper()
	manifests, err := filepath.Glob(filepath.Join(c.Cache, "*", "??", "*", "artefact.json"))
	if err != nil {
		t.Fatal(err)
	}
	store := openStore(t, c.Cache)
	for _, path := range manifests {
		key := Key(filepath.Base(filepath.Dir(path)))
		stage := filepath.Base(filepath.Dir(filepath.Dir(filepath.Dir(path))))
		a, err := store.Lookup(stage, key)
		if err == nil {
			err = a.Verify()
		}
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := ReadManifest(filepath.Join(c.Output, c.Name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// TestKill kills a run at random moments, over and over. It goes on each time
// where it was, and ends in the bytes of an undisturbed run.
func TestKill(t *testing.T) {
	quiet := sandbox(t, 8)
	want := undisturbed(t, quiet)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	kills := 0
	for round := range 3 {
		c := sandbox(t, 8)
		c.Pause = 2
		for attempt := 0; ; attempt++ {
			if attempt == 200 {
				t.Fatal("no end in sight")
			}
			cmd := c.command(t)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// Later and later, so that a busy machine comes to an end as well.
			moment := time.Duration(10+random.IntN(70+10*attempt)) * time.Millisecond
			timer := time.AfterFunc(moment, func() { cmd.Process.Kill() })
			err := cmd.Wait()
			timer.Stop()
			if err == nil {
				break
			}
			if state := cmd.ProcessState.Sys().(syscall.WaitStatus); !state.Signaled() {
				t.Fatalf("round %d: %v", round, err)
			}
			kills++
			intact(t, c)
		}
		if got := c.table(t); got != want {
			t.Errorf("round %d: got %q, want %q", round, got, want)
		}
		intact(t, c)
		for _, dir := range []string{"tmp", "partial", "locks"} {
			// A kill right after the rename leaves a checkpoint or a lock file
			// that nobody holds; GC takes them.
			store := openStore(t, c.Cache)
			if _, err := store.GC(t.Context(), cache.Policy{All: true}); err != nil {
				t.Fatal(err)
			}
			if left, _ := os.ReadDir(filepath.Join(c.Cache, dir)); len(left) > 0 {
				t.Errorf("left in %s: %v", dir, left)
			}
		}
	}
	if kills < 5 {
		t.Errorf("only %d kills: the test does not test", kills)
	}
}

// TestSharedCache: runs of the same tasks over one cache, with garbage collected
// all the while, are all right, and no task is done twice.
func TestSharedCache(t *testing.T) {
	quiet := sandbox(t, 8)
	want := undisturbed(t, quiet)
	c := sandbox(t, 8)
	c.Pause = 2
	var group sync.WaitGroup
	children := make([]child, 3)
	for i := range children {
		children[i] = c
		children[i].Name = "words" + string(rune('a'+i))
		cmd := children[i].command(t)
		group.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		group.Wait()
	}()
	store := openStore(t, c.Cache)
	for collecting := true; collecting; {
		select {
		case <-ended:
			collecting = false
		default:
			if _, err := store.GC(t.Context(), cache.Policy{All: true}); err != nil {
				t.Error(err)
			}
		}
	}
	done := 0
	for _, x := range children {
		if got := x.table(t); got != want {
			t.Errorf("%s: got %q, want %q", x.Name, got, want)
		}
		m, err := ReadManifest(filepath.Join(x.Output, x.Name))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range m.Stages {
			done += s.Done
		}
	}
	if done != 10 {
		t.Errorf("10 tasks were done %d times in all", done)
	}
}

// TestSecondRunIsLockedOut also sees that the lock dies with its holder, and
// that a signal ends a run in order.
func TestSecondRunIsLockedOut(t *testing.T) {
	c := sandbox(t, 8)
	c.Pause = 20
	start := func() (*exec.Cmd, *strings.Builder) {
		cmd := c.command(t)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "started\n" {
			t.Fatal(line, err)
		}
		return cmd, &stderr
	}
	first, _ := start()
	_, err := OpenRun(c.Output, c.Name)
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder.PID != first.Process.Pid || locked.Holder.Host == "" || ExitCode(err) != 4 {
		t.Errorf("got %v", err)
	}
	first.Process.Kill()
	first.Wait()

	second, stderr := start()
	second.Process.Signal(syscall.SIGTERM)
	second.Wait()
	if code := second.ProcessState.ExitCode(); code != ExitInterrupted {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	m, err := manifest.Read(filepath.Join(c.Output, c.Name, attemptFile))
	if err != nil || m.Status != RunInterrupted {
		t.Errorf("got %v, %v", m, err)
	}
	c.Pause = 0
	if got, want := undisturbed(t, c), undisturbed(t, sandbox(t, 8)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestDisk: a disk that is full or cannot be written is a clear error, loses
// nothing, and the next run goes on.
func TestDisk(t *testing.T) {
	cases := []struct {
		name   string
		spoil  func(t *testing.T, c *child, cmd func() *exec.Cmd) *exec.Cmd
		says   string
		rights bool
	}{
		{"full disk", func(t *testing.T, c *child, cmd func() *exec.Cmd) *exec.Cmd {
			c.Disk = 48 << 10
			p := cmd()
			p.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
			return p
		}, "no space left on device: free some space", true},
		{"file size limit", func(t *testing.T, c *child, cmd func() *exec.Cmd) *exec.Cmd {
			c.FileSize = 400
			return cmd()
		}, "file too large", false},
		{"read-only cache", func(t *testing.T, c *child, cmd func() *exec.Cmd) *exec.Cmd {
			c.User = 65534
			restrict(t, *c, c.Cache)
			return cmd()
		}, "permission denied", true},
		{"read-only output", func(t *testing.T, c *child, cmd func() *exec.Cmd) *exec.Cmd {
			c.User = 65534
			restrict(t, *c, c.Output)
			return cmd()
		}, "permission denied: the cache and the output directory must be writable", true},
	}
	for _, x := range cases {
		t.Run(x.name, func(t *testing.T) {
			if x.rights && os.Getuid() != 0 {
				t.Skip("needs the rights of root")
			}
			c := sandbox(t, 8)
			spoilt := c
			out, err := x.spoil(t, &spoilt, func() *exec.Cmd { return spoilt.command(t) }).CombinedOutput()
			var exit *exec.ExitError
			if x.name == "full disk" && (errors.Is(err, syscall.EPERM) || strings.HasPrefix(string(out), "confine:")) {
				t.Skip("no disk can be mounted here")
			}
			if !errors.As(err, &exit) || exit.ExitCode() != ExitFailed || !strings.Contains(string(out), x.says) {
				t.Fatalf("%v: %s", err, out)
			}
			for _, dir := range []string{c.Output, c.Cache} {
				if err := os.Chmod(dir, 0o777); err != nil {
					t.Fatal(err)
				}
			}
			intact(t, c)
			if got, want := undisturbed(t, c), undisturbed(t, sandbox(t, 8)); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// restrict opens a child's directories to all users and then closes one.
func restrict(t *testing.T, c child, dir string) {
	t.Helper()
	for d := filepath.Dir(c.Output); d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{c.Output, c.Cache} {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
}
