// Package scale measures what a run costs beside its work where it has very many tasks: planning, and finding out that all is done.
//
//	make bench-plan [SHARDS="200 1000 4000"]
package scale

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"upi/data"
	"upi/pipeline"
	"upi/pipeline/cache"
	"upi/pipeline/config"
	"upi/stages/planner"
	"upi/test/internal/command"
)

// upi is the built command.
var upi string

func TestMain(m *testing.M) { os.Exit(command.Main(m, &upi)) }

// many is a run of two models, three attacks, three budgets and three seeds, with transfer, over the shards in DIR.
const many = `
name: many
output: DIR/runs
cache: DIR/cache
seeds: [0, 1, 2]
data: {fit: {path: DIR/fit-*.parquet}, test: {path: DIR/fit-*.parquet}}
models:
  - {name: cnn, path: savedmodels/mnist_cnn}
  - {name: mlp, path: savedmodels/mnist_mlp}
explanations:
  - {name: sg, kind: simple_gradient}
attacks:
  - {name: random, kind: random, eps: [255, 510, 1020], draws: 1}
  - {name: upi_pca, kind: upi_pca, eps: [255, 510, 1020]}
  - {name: upi_grad, kind: upi_grad, eps: [255, 510, 1020], steps: 60}
evaluation: {transfer: true}
`

// TestPlanGrowsWithTheWork prints a row for each number of shards in UPI_SCALE_SHARDS, by default of one small run that sees that the
// measuring itself works: CPU time and memory of upi plan, and how long a run takes to find all but the last of its tasks done. That
// run fails in its last task, since what it finds has no content.
func TestPlanGrowsWithTheWork(t *testing.T) {
	t.Chdir("../..")
	sizes := []string{"3"}
	if given := os.Getenv("UPI_SCALE_SHARDS"); given != "" {
		sizes = strings.Fields(given)
	}
	fmt.Println("| shards | tasks | plan: CPU s | plan: MB | all done: s | all done: CPU s | all done: MB |")
	fmt.Println("|---:|---:|---:|---:|---:|---:|---:|")
	for _, size := range sizes {
		n, err := strconv.Atoi(size)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "many.yaml")
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(many, "DIR", dir)), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := writeShards(dir, n); err != nil {
			t.Fatal(err)
		}
		plan := measure(t, "plan", path)
		if plan.code != 0 {
			t.Fatalf("upi plan: %s", plan.text)
		}
		tasks, err := pretendDone(path)
		if err != nil {
			t.Fatal(err)
		}
		// Two models; of each 9 perturbations in 3 seeds with a fit and a sign, and scores on both models.
		if want := 5*n + 2*9*n + 2*9 + 54*2 + 54*2*n + 18 + 1; tasks < 100*n {
			t.Errorf("%d shards make %d tasks, fewer than about %d", n, tasks, want)
		}
		done := measure(t, "run", path)
		if done.code != pipeline.ExitFailed || !strings.Contains(string(done.text), "tables many: ") {
			t.Fatalf("upi run ended with %d: %s", done.code, done.text)
		}
		fmt.Printf("| %d | %d | %.1f | %d | %.1f | %.1f | %d |\n", n, tasks, plan.cpu, plan.peak>>20, done.seconds, done.cpu, done.peak>>20)
	}
}

// writeShards writes n shards of two images.
func writeShards(dir string, n int) error {
	pixels := make([]byte, 28*28)
	for i := range n {
		w, err := data.Create(filepath.Join(dir, fmt.Sprintf("fit-%05d-of-%05d.parquet", i, n)), data.Schema{Shape: [3]int{28, 28, 1}})
		if err != nil {
			return err
		}
		for k := range 2 {
			pixels[i%len(pixels)]++
			if err := w.Write(data.Image{ID: int64(2*i + k), Label: int64(i % 10), Pixels: pixels}); err != nil {
				return err
			}
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	return nil
}

// A cost is that of a process.
type cost struct {
	code         int
	text         []byte
	seconds, cpu float64
	peak         int64 // bytes
}

func measure(t *testing.T, what, path string) cost {
	t.Helper()
	cmd := exec.Command(upi, what, path)
	start := time.Now()
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	s := cmd.ProcessState
	return cost{
		code: s.ExitCode(), text: text[max(0, len(text)-2000):], seconds: time.Since(start).Seconds(), cpu: (s.UserTime() + s.SystemTime()).Seconds(),
		peak: s.SysUsage().(*syscall.Rusage).Maxrss << 10,
	}
}

// pretendDone puts an empty artefact into the cache for every task of the run but the last, and returns how many tasks there are. They
// are written without the syncs that those of real tasks have.
func pretendDone(path string) (int, error) {
	c, err := config.Load(path, nil, planner.Kinds())
	if err != nil {
		return 0, err
	}
	p, err := planner.New(c)
	if err != nil {
		return 0, err
	}
	store, err := cache.Open(c.Cache)
	if err != nil {
		return 0, err
	}
	plan := pipeline.NewPlan(p.Environment(), store.Hasher())
	if err := p.Plan(plan); err != nil {
		return 0, err
	}
	tasks := plan.Tasks()
	for _, task := range tasks[:len(tasks)-1] {
		text, err := json.Marshal(task)
		if err != nil {
			return 0, err
		}
		a := cache.Artefact{Format: 1, Key: task.Key, Stage: task.Stage, StageVersion: task.StageVersion, Label: task.Label, Task: text,
			Created: time.Now(), Seconds: 1, Counts: map[string]int64{pipeline.CountImages: 2}, Files: []cache.File{}}
		if text, err = json.Marshal(a); err != nil {
			return 0, err
		}
		dir := store.Path(task.Stage, task.Key)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return 0, err
		}
		if err := os.WriteFile(filepath.Join(dir, "artefact.json"), text, 0o666); err != nil {
			return 0, err
		}
	}
	return len(tasks), nil
}
