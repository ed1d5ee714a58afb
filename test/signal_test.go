package test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"upi/test/internal/command"
)

// TestSignalAtAnyTime sends a signal from the moment on at which the command answers signals: before it has read the configuration and
// in the run. The exit code is 130 each time, and the run ends as if nothing had been.
func TestSignalAtAnyTime(t *testing.T) {
	r := newRun(t, "base.yaml")
	for i, pause := range []int{0, 0, 1, 2, 5, 10, 20, 30, 60, 100, 150, 200} {
		s := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}[i%2]
		t.Run(fmt.Sprintf("%v after %d ms", s, pause), func(t *testing.T) {
			cmd, stderr := begin(t, r, os.Environ())
			begun := time.Now()
			if !command.Await(cmd.Process.Pid, func() bool { return time.Since(begun) > time.Minute }) {
				t.Fatalf("it does not answer\n%s", stderr.Bytes())
			}
			time.Sleep(time.Duration(pause) * time.Millisecond)
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 130 {
				t.Errorf("%v\n%s", cmd.ProcessState, stderr.Bytes())
			}
			if !strings.Contains(stderr.String(), "signal "+s.String()) {
				t.Errorf("it does not say why it stops: %s", stderr.Bytes())
			}
		})
	}
	r.done(t)
	if _, err := os.Stat(filepath.Join(r.dir(), "attempt.json")); err == nil {
		t.Error("the attempt is still there")
	}
}

// TestSignalWhileLoading sends a signal while the libraries load, when nobody can answer: in the first process, or in the one that it
// starts anew for TensorFlow's environment. The signal itself ends the command, or it was far enough for 130. It never goes on.
func TestSignalWhileLoading(t *testing.T) {
	for i, pause := range []int{0, 20, 60, 120, 140, 160, 180, 220, 260, 300} {
		s := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}[i%2]
		t.Run(fmt.Sprintf("%v after %d ms", s, pause), func(t *testing.T) {
			r := newRun(t, "base.yaml", "--set", "deterministic=true")
			cmd, stderr := begin(t, r, os.Environ())
			time.Sleep(time.Duration(pause) * time.Millisecond)
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			cmd.Wait()
			status := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if !(status.Signaled() && status.Signal() == s) && status.ExitStatus() != 130 {
				t.Errorf("%v\n%s", cmd.ProcessState, stderr.Bytes())
			}
			if _, err := os.Stat(filepath.Join(r.dir(), "manifest.json")); err == nil {
				t.Error("there are results")
			}
		})
	}
}

// begin starts a run's command.
func begin(t *testing.T, r run, environment []string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd, stderr := r.command(), new(bytes.Buffer)
	cmd.Env, cmd.Stderr = environment, stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return cmd, stderr
}
