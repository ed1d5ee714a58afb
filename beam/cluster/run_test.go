package cluster

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"upi/pipeline/manifest"
)

// A program is a run of upi or upi-beam in a place of its own.
type program struct {
	output, cache string
	mu            sync.Mutex
	said          bytes.Buffer
	command       *exec.Cmd
}

// Write keeps what the program says.
func (p *program) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(text)
}

func (p *program) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// small is every kind of task, in a few seconds.
const small = "test/testdata/small.yaml"

func newProgram(t *testing.T) *program {
	dir := t.TempDir()
	return &program{output: filepath.Join(dir, "runs"), cache: filepath.Join(dir, "cache")}
}

// start starts a program with a configuration.
func (p *program) start(t *testing.T, name, config string, args ...string) {
	t.Helper()
	args = append([]string{"run", config, "--workers", "1", "--set", "output=" + p.output, "--set", "cache=" + p.cache}, args...)
	p.command = exec.Command(filepath.Join(bin, name), args...)
	p.command.Dir = root
	p.command.Stdout, p.command.Stderr = p, p
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
}

// wait waits for the program's end, and returns its exit code.
func (p *program) wait() int {
	p.command.Wait()
	return p.command.ProcessState.ExitCode()
}

// local runs a configuration on this machine alone, as upi does.
func local(t *testing.T, config string, args ...string) *program {
	t.Helper()
	p := newProgram(t)
	p.start(t, "upi", config, args...)
	if code := p.wait(); code != 0 {
		t.Fatalf("upi ends with %d:\n%s", code, p.text())
	}
	return p
}

// flink starts a configuration on the cluster.
func (p *program) flink(t *testing.T, config string, args ...string) {
	t.Helper()
	endpoint, err := os.ReadFile(filepath.Join(state, "endpoint"))
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"--runner", "flink", "--endpoint", strings.TrimSpace(string(endpoint)), "--parallelism", "2"}, args...)
	p.start(t, "upi-beam", config, args...)
}

// done waits for a run to end well.
func (p *program) done(t *testing.T) {
	t.Helper()
	if code := p.wait(); code != 0 {
		t.Fatalf("upi-beam ends with %d:\n%s", code, p.text())
	}
}

// artefacts counts those of a stage in the cache.
func (p *program) artefacts(stage string) int {
	found, _ := filepath.Glob(filepath.Join(p.cache, stage, "??", "*", "artefact.json"))
	return len(found)
}

// workers lists the processes of a run that run tasks.
func (p *program) workers() []string { return p.started("\x00beam-worker\x00") }

// started lists the processes that the cluster has started for a run and whose command line holds a text.
func (p *program) started(text string) []string {
	var pids []string
	for _, pid := range processes(text) {
		environment, err := os.ReadFile("/proc/" + pid + "/environ")
		if err == nil && bytes.Contains(environment, []byte(p.cache+"/jobs/")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// clean asserts that a run which is over has left no process and no job's folder.
func (p *program) clean(t *testing.T) {
	t.Helper()
	await(t, "the workers' end", func() bool { return len(p.started("beam-worker")) == 0 })
	if left, _ := filepath.Glob(filepath.Join(p.cache, "jobs", "*")); len(left) > 0 {
		t.Errorf("left in the cache: %v", left)
	}
}

// same asserts that two runs have left the same bytes: tables, scores and perturbations.
func same(t *testing.T, got, want *program, name string) {
	t.Helper()
	compared := 0
	err := filepath.WalkDir(filepath.Join(want.output, name), func(path string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".parquet" {
			return err
		}
		rel, err := filepath.Rel(want.output, path)
		if err != nil {
			return err
		}
		a, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(got.output, rel))
		if err != nil {
			return err
		}
		compared++
		if !bytes.Equal(a, b) {
			t.Errorf("%s has other bytes", rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if compared < 4 {
		t.Errorf("only %d files were compared", compared)
	}
}

func (p *program) manifest(t *testing.T, name string) *manifest.Manifest {
	t.Helper()
	m, err := manifest.ReadDir(filepath.Join(p.output, name))
	if err != nil {
		t.Fatal(err)
	}
	return m
}
