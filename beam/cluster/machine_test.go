package cluster

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"upi/pipeline"
)

// hidden starts a TaskManager anew on a machine that does not see what is in a folder, and gives the old state back at the end.
func hidden(t *testing.T, number string, folder string) {
	t.Helper()
	if err := exec.Command("unshare", "--uts", "--mount", "mount", "-t", "tmpfs", "none", t.TempDir()).Run(); err != nil {
		t.Skipf("no file systems may be mounted here: %v", err)
	}
	killTaskManager(t, number)
	taskManager(t, number, "sh", "-c", `mount -t tmpfs none "$1"; shift; exec "$@"`, "-", folder)
	t.Cleanup(func() {
		killTaskManager(t, number)
		taskManager(t, number)
	})
}

// slow lets the processes of a run that run tasks on a machine work for a twentieth of the time, so that they have not done all before
// the other machine comes to its first task. They are not stopped for good: the other machine's tasks may come through them. What it
// returns lets them go on.
func (p *program) slow(t *testing.T, number string) (release func()) {
	t.Helper()
	machine := ""
	for _, pid := range taskManagers(number) {
		machine, _ = os.Readlink("/proc/" + pid + "/ns/uts")
	}
	if machine == "" {
		t.Fatalf("there is no TaskManager %s", number)
	}
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			var stopped []string
			for _, pid := range p.workers() {
				if name, _ := os.Readlink("/proc/" + pid + "/ns/uts"); name == machine {
					signal(pid, syscall.SIGSTOP)
					stopped = append(stopped, pid)
				}
			}
			select {
			case <-over:
			case <-time.After(380 * time.Millisecond):
			}
			for _, pid := range stopped {
				signal(pid, syscall.SIGCONT)
			}
			select {
			case <-over:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(over)
		<-ended
	})
}

// signal sends a signal to a process that may be over.
func signal(pid string, s syscall.Signal) {
	if number, err := strconv.Atoi(pid); err == nil {
		syscall.Kill(number, s)
	}
}

// tensorFlow is the folder from which upi-beam loads TensorFlow.
func tensorFlow(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("ldd", filepath.Join(bin, "upi-beam")).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if _, path, found := strings.Cut(line, "libtensorflow_cc.so.2 => "); found {
			path, _, _ = strings.Cut(path, " ")
			if path, err = filepath.EvalSymlinks(path); err != nil {
				t.Fatal(err)
			}
			return filepath.Dir(path)
		}
	}
	t.Fatalf("upi-beam loads no TensorFlow:\n%s", out)
	return ""
}

// TestMissingTensorFlow: a machine that lacks TensorFlow says so by name, once; the other one does everything. Where all lack it, the
// run ends with that error.
func TestMissingTensorFlow(t *testing.T) {
	want, library := local(t, small), tensorFlow(t)
	hidden(t, "2", library)
	const lacks = "libtensorflow"
	p := newProgram(t)
	p.flink(t, small)
	release := p.slow(t, "1")
	defer release()
	await(t, "a word of the machine that lacks TensorFlow", func() bool { return strings.Contains(p.text(), lacks) })
	release()
	p.done(t)
	same(t, p, want, "small")
	said := 0
	for line := range strings.Lines(p.text()) {
		if strings.Contains(line, lacks) {
			said++
			if !strings.Contains(line, "machine=machine-2") || !strings.Contains(line, "can run no task") {
				t.Errorf("the driver says %s", line)
			}
		}
	}
	if said != 1 {
		t.Errorf("the driver speaks %d times of %s:\n%s", said, lacks, p.text())
	}
	tried := 0
	for _, task := range p.manifest(t, "small").Tasks {
		if !strings.HasPrefix(task.Worker, "machine-1/") {
			t.Errorf("%s %s was run by %q", task.Stage, task.Label, task.Worker)
		}
		for _, try := range task.Tries {
			tried++
			if !strings.HasPrefix(try.Worker, "machine-2/") || !strings.Contains(try.Error, lacks) {
				t.Errorf("%s %s was tried: %+v", task.Stage, task.Label, try)
			}
		}
	}
	if tried == 0 {
		t.Error("the manifest tells of no try on the machine that lacks TensorFlow")
	}
	p.clean(t)

	hidden(t, "1", library)
	p = newProgram(t)
	p.flink(t, small)
	if code := p.wait(); code != pipeline.ExitFailed || !strings.Contains(p.text(), lacks) {
		t.Errorf("upi-beam ends with %d:\n%s", code, p.text())
	}
	p.clean(t)
}

// TestSlots: machines with different numbers of slots come to the same bytes, those of a run of so many workers on one machine.
func TestSlots(t *testing.T) {
	want := local(t, small, "--workers", "3", "--set", "memory=1200MiB")
	killTaskManager(t, "2")
	taskManager(t, "2", "env", "BEAM_UPI_SLOTS=1")
	killTaskManager(t, "1")
	taskManager(t, "1", "env", "BEAM_UPI_SLOTS=3")
	defer func() {
		for _, number := range []string{"1", "2"} {
			killTaskManager(t, number)
			taskManager(t, number)
		}
	}()
	p := newProgram(t)
	p.flink(t, small, "--workers", "3", "--set", "memory=1200MiB")
	p.done(t)
	same(t, p, want, "small")
	p.clean(t)
}
