package cluster

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"upi/pipeline"
	"upi/pipeline/manifest"
)

// TestQuickstart: the quickstart on two machines has the bytes of the quickstart on one; both machines have worked, in one process
// each; upi verifies it, and finds everything in the cache.
func TestQuickstart(t *testing.T) {
	want := local(t, "configs/quickstart.yaml")
	p := newProgram(t)
	p.flink(t, "configs/quickstart.yaml")
	p.done(t)
	same(t, p, want, "quickstart")
	workers := map[string]bool{}
	for _, task := range p.manifest(t, "quickstart").Tasks {
		workers[task.Worker] = true
	}
	if len(workers) != 2 {
		t.Errorf("workers: %v", workers)
	}
	p.clean(t)
	verify := exec.Command(filepath.Join(bin, "upi"), "verify", filepath.Join(p.output, "quickstart"))
	verify.Dir = root
	if out, err := verify.CombinedOutput(); err != nil {
		t.Errorf("upi verify: %v\n%s", err, out)
	}
	plan := exec.Command(filepath.Join(bin, "upi"), "plan", "configs/quickstart.yaml",
		"--set", "output="+p.output, "--set", "cache="+p.cache, "--tasks")
	plan.Dir = root
	if out, err := plan.CombinedOutput(); err != nil || strings.Contains(string(out), "\nrun ") {
		t.Errorf("upi plan: %v\n%s", err, out)
	}
}

// TestKills: a worker's process is killed, and then a TaskManager. Flink starts the job again, and the results are the same.
func TestKills(t *testing.T) {
	want := local(t, small)
	p := newProgram(t)
	p.flink(t, small)
	await(t, "a reference", func() bool { return p.artefacts("reference") > 0 })
	workers := p.workers()
	if len(workers) == 0 {
		t.Fatal("no worker to be killed")
	}
	kill(t, workers[0])
	await(t, "the job's second attempt", func() bool {
		log, _ := os.ReadFile(filepath.Join(state, "log/jobmanager.out"))
		return strings.Contains(string(log), "switched from state RESTARTING to RUNNING")
	})
	await(t, "a worker of it", func() bool { return len(p.workers()) > 0 })
	killTaskManager(t, "2")
	taskManager(t, "2")
	p.done(t)
	same(t, p, want, "small")
	p.clean(t)
}

// TestDriverKilled: the driver is killed, and the same command goes on: what was done is not done again.
func TestDriverKilled(t *testing.T) {
	want := local(t, small)
	p := newProgram(t)
	p.flink(t, small)
	await(t, "a reference", func() bool { return p.artefacts("reference") > 0 })
	p.command.Process.Kill()
	p.wait()
	p.flink(t, small)
	p.done(t)
	if !strings.Contains(p.text(), "ending a job whose driver is no more") {
		t.Errorf("the old job was not ended:\n%s", p.text())
	}
	hits := 0
	for _, s := range p.manifest(t, "small").Stages {
		hits += s.Hit
	}
	if hits == 0 {
		t.Error("nothing of the first run was found in the cache")
	}
	same(t, p, want, "small")
	p.clean(t)
}

// TestInterrupted: after SIGINT the job is cancelled, the exit code says so, and the run can go on.
func TestInterrupted(t *testing.T) {
	p := newProgram(t)
	p.flink(t, small)
	await(t, "a reference", func() bool { return p.artefacts("reference") > 0 })
	p.command.Process.Signal(syscall.SIGINT)
	if code := p.wait(); code != pipeline.ExitInterrupted {
		t.Fatalf("exit code %d:\n%s", code, p.text())
	}
	p.clean(t)
	p.flink(t, small)
	p.done(t)
}

// TestMissingShard: one machine does not see the shards. It says so, once for each; the other machine does what needs them, and the
// manifest tells.
func TestMissingShard(t *testing.T) {
	shards := t.TempDir()
	for _, name := range []string{"fit-00000-of-00002.parquet", "test-00000-of-00002.parquet"} {
		text, err := os.ReadFile(filepath.Join(root, "data/mnist", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(shards, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	data := []string{"--set", "data.fit.path=" + shards + "/fit-*.parquet", "--set", "data.test.path=" + shards + "/test-*.parquet"}
	want := local(t, small, data...)
	hidden(t, "2", shards)
	p := newProgram(t)
	p.flink(t, small, data...)
	release := p.slow(t, "1")
	defer release()
	await(t, "a word of the machine that lacks the shards", func() bool { return strings.Contains(p.text(), shards) })
	release()
	p.done(t)
	same(t, p, want, "small")
	tried := map[string]manifest.TaskRecord{}
	for _, task := range p.manifest(t, "small").Tasks {
		if len(task.Tries) > 0 {
			tried[task.Shard] = task
		}
	}
	if len(tried) == 0 {
		t.Fatal("the manifest tells of no try on a machine that lacks a shard")
	}
	for shard, task := range tried {
		if !strings.HasPrefix(task.Tries[0].Worker, "machine-2/") || !strings.HasPrefix(task.Worker, "machine-1/") {
			t.Errorf("%s was tried by %+v, and done by %s", shard, task.Tries, task.Worker)
		}
		if n := strings.Count(p.text(), filepath.Join(shards, shard)); n != 1 {
			t.Errorf("the driver speaks %d times of %s:\n%s", n, shard, p.text())
		}
	}
	p.clean(t)
}

// TestFailures: a shard that is broken on all machines is a failure of its tasks: exit code 1 without --keep-going, which skips what
// depends on it and ends with 3; the error is upi's.
func TestFailures(t *testing.T) {
	shards := t.TempDir()
	for _, name := range []string{"fit-00000-of-00002.parquet", "test-00000-of-00002.parquet", "test-00001-of-00002.parquet"} {
		text, err := os.ReadFile(filepath.Join(root, "data/mnist", name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "test-00001-of-00002.parquet" {
			for i := len(text) / 2; i < len(text)*3/4; i++ {
				text[i] ^= 0x55 // pictures, and not what planning reads: the first one, labels and footer
			}
		}
		if err := os.WriteFile(filepath.Join(shards, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"--set", "data.fit.path=" + shards + "/fit-*.parquet", "--set", "data.test.path=" + shards + "/test-*.parquet",
		"--set", "data.test.limit=1100", "--keep-going"}
	want := newProgram(t)
	want.start(t, "upi", small, args...)
	if code := want.wait(); code != pipeline.ExitPartial {
		t.Fatalf("upi ends with %d:\n%s", code, want.text())
	}
	p := newProgram(t)
	p.flink(t, small, args[:len(args)-1]...)
	if code := p.wait(); code != pipeline.ExitFailed || !strings.Contains(p.text(), "test-00001-of-00002") {
		t.Errorf("upi-beam ends with %d:\n%s", code, p.text())
	}
	p.flink(t, small, args...)
	if code := p.wait(); code != pipeline.ExitPartial {
		t.Errorf("upi-beam --keep-going ends with %d:\n%s", code, p.text())
	}
	same(t, p, want, "small")
	p.clean(t)
}

// TestTwoRuns: two runs at once in one cache come to the same results, and no task is done twice.
func TestTwoRuns(t *testing.T) {
	want := local(t, small)
	a := newProgram(t)
	b := &program{output: filepath.Join(t.TempDir(), "runs"), cache: a.cache}
	start := time.Now()
	a.flink(t, small, "--parallelism", "1")
	b.flink(t, small, "--parallelism", "1")
	a.done(t)
	b.done(t)
	same(t, a, want, "small")
	same(t, b, want, "small")
	done := map[string]int{}
	for _, p := range []*program{a, b} {
		for _, task := range p.manifest(t, "small").Tasks {
			if task.Status == "done" {
				done[string(task.Key)]++
			}
		}
	}
	for key, n := range done {
		if n != 1 {
			t.Errorf("the task of key %s was done %d times", key, n)
		}
	}
	if len(done) != len(a.manifest(t, "small").Tasks) {
		t.Errorf("%d tasks were done since %s, of %d", len(done), start, len(a.manifest(t, "small").Tasks))
	}
	a.clean(t)
}
