package test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"upi/test/internal/command"
)

// TestSignalAtAnyTime sends a signal while the libraries load, in the first process and in the one that starts it anew for
// TensorFlow's environment, and in the run: the exit code is 130 each time, and the run ends as if nothing had been.
func TestSignalAtAnyTime(t *testing.T) {
	r := newRun(t, "base.yaml")
	for i, pause := range []int{0, 1, 10, 30, 60, 100, 150, 200, 250, 300, 400} {
		s := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}[i%2]
		t.Run(fmt.Sprintf("%v after %d ms", s, pause), func(t *testing.T) {
			cmd := r.command()
			cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TF_CPP_MIN_LOG_LEVEL=") })
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for {
				takes, err := command.Takes(cmd.Process.Pid, s)
				if err != nil {
					t.Fatal(err)
				}
				if takes {
					break
				}
				time.Sleep(time.Millisecond)
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
