package test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// stages are those whose tasks small.yaml has; in each, runs are killed.
var stages = []string{"images", "reference", "diagnosis", "gradients", "direction", "fit", "per_image", "sign", "evaluate", "tables"}

// TestKill kills a run with SIGKILL in each stage, soon after a task of it is done, and at random moments, and starts it again on
// the same cache. It ends in the perturbations and scores of a run that nobody disturbed, to the bit.
func TestKill(t *testing.T) {
	quiet := newRun(t, "small.yaml", "--workers", "2").done(t)
	killed := newRun(t, "small.yaml", "--workers", "2")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	kills := 0
	for _, stage := range stages {
		// What the runs before have done of the stage is lost, so that there is something to do.
		if err := os.RemoveAll(filepath.Join(killed.cache, stage)); err != nil {
			t.Fatal(err)
		}
		pause := time.Duration(random.IntN(20)) * time.Millisecond
		if kill(t, killed, func() bool { return artefacts(t, killed, stage) > 0 }, pause) {
			kills++
		}
	}
	for range 2 {
		start, moment := time.Now(), time.Duration(random.IntN(1500))*time.Millisecond
		if kill(t, killed, func() bool { return time.Since(start) > moment }, 0) {
			kills++
		}
	}
	if kills < len(stages)-2 {
		t.Errorf("only %d kills: the test does not test", kills)
	}
	killed.done(t)
	same(t, killed, quiet, 0, 0)
	if got, want := killed.perturbations(t), quiet.perturbations(t); !reflect.DeepEqual(got, want) {
		t.Error("the perturbations' other columns differ")
	}
	verify := exec.Command(upi, "verify", killed.dir())
	if out, err := verify.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	t.Logf("%d kills", kills)
}

// artefacts counts those of a stage that the cache holds.
func artefacts(t *testing.T, r run, stage string) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(r.cache, stage, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

// kill starts a run and kills it a pause after the moment has come. It returns false if the run ended before.
func kill(t *testing.T, r run, moment func() bool, pause time.Duration) bool {
	t.Helper()
	cmd := r.command()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	due := time.Time{}
	for {
		switch {
		case due.IsZero() && moment():
			due = time.Now().Add(pause)
		case !due.IsZero() && time.Now().After(due):
			cmd.Process.Kill()
		}
		select {
		case err := <-ended:
			var exit *exec.ExitError
			if err == nil {
				return false
			}
			if !errors.As(err, &exit) || exit.Exited() {
				t.Fatalf("%v\n%s", err, stderr.Bytes())
			}
			return true
		case <-time.After(2 * time.Millisecond):
		}
	}
}
