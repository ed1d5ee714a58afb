package cluster

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"upi/pipeline/manifest"
	"upi/pipeline/progress"
)

// TestSpeedUp prints how long the quickstart takes on one worker and on two, each pinned to a core of its own, on several times its
// images: each shard is there several times, under other ids.
func TestSpeedUp(t *testing.T) {
	times, err := strconv.Atoi(os.Getenv("UPI_CLUSTER_IMAGES"))
	if err != nil {
		t.Skip("UPI_CLUSTER_IMAGES says how many times its images the quickstart is to have; make bench-cluster does")
	}
	config := multiplied(t, times)
	counts := strings.Fields(os.Getenv("UPI_CLUSTER_WORKERS"))
	if len(counts) == 0 {
		counts = []string{"1", "2"}
	}
	fmt.Printf("quickstart x %d images\nworkers   command s   from the first worker's start s   work of tasks s   tasks   work / time\n", times)
	var first, last *program
	timelines := ""
	var whole, since []float64
	for _, workers := range counts {
		for number := 1; number <= 2; number++ {
			if len(taskManagers(fmt.Sprint(number))) > 0 { // one worker leaves the second machine without
				killTaskManager(t, fmt.Sprint(number))
			}
			if fmt.Sprint(number) <= workers {
				taskManager(t, fmt.Sprint(number), "taskset", "-c", fmt.Sprint(number-1))
			}
		}
		p := newProgram(t)
		start := time.Now()
		p.flink(t, config, "--parallelism", workers)
		await(t, "a worker", func() bool { return strings.Contains(p.text(), "msg=worker ") })
		worked := time.Now()
		p.done(t)
		end := time.Now()
		m := p.manifest(t, "quickstart")
		sum := 0.0
		for _, s := range m.Stages {
			sum += s.Seconds
		}
		fmt.Printf("%7s %11.1f %33.1f %17.1f %7d %13.2f\n", workers, end.Sub(start).Seconds(), end.Sub(worked).Seconds(), sum, len(m.Tasks),
			sum/end.Sub(worked).Seconds())
		timelines += timeline(m, start, worked, end)
		whole, since = append(whole, end.Sub(start).Seconds()), append(since, end.Sub(worked).Seconds())
		if first == nil {
			first = p
		}
		last = p
	}
	fmt.Print(timelines)
	n := len(whole) - 1
	fmt.Printf("\n%s workers are %.2f times as fast as %s from the first worker's start, %.2f with the start of the job\n", counts[n], since[0]/since[n],
		counts[0], whole[0]/whole[n])
	same(t, last, first, "quickstart")
}

// timeline tells where the time of a run went: when each stage began and ended, and how long its workers were idle, in seconds.
func timeline(m *manifest.Manifest, start, worked, end time.Time) string {
	tasks := map[string][]manifest.TaskRecord{} // by worker
	for _, task := range m.Tasks {
		if task.Status == progress.Done {
			tasks[task.Worker] = append(tasks[task.Worker], task)
		}
	}
	workers := slices.Sorted(maps.Keys(tasks))
	text := fmt.Sprintf("\n%d workers: the first says hello %.1f s after the start, the command ends at %.1f s\n", len(workers),
		worked.Sub(start).Seconds(), end.Sub(start).Seconds())
	since := func(at time.Time) float64 { return at.Sub(start).Seconds() }
	for _, stage := range m.Stages {
		text += fmt.Sprintf("%-12s", stage.Stage)
		for _, worker := range workers {
			var first, last time.Time
			n, busy := 0, 0.0
			for _, task := range tasks[worker] {
				if task.Stage != stage.Stage {
					continue
				}
				if n++; first.IsZero() || task.Started.Before(first) {
					first = task.Started
				}
				if until := ended(task); until.After(last) {
					last = until
				}
				busy += task.Elapsed
			}
			if n > 0 {
				text += fmt.Sprintf("  %3d tasks %6.1f to %6.1f, busy %5.1f", n, since(first), since(last), busy)
			} else {
				text += fmt.Sprintf("  %44s", "")
			}
		}
		text += "\n"
	}
	for _, worker := range workers {
		slices.SortFunc(tasks[worker], func(a, b manifest.TaskRecord) int { return a.Started.Compare(b.Started) })
		free, within, between, busy := worked, 0.0, 0.0, 0.0
		var before string
		var gaps []string
		for _, task := range tasks[worker] {
			gap := task.Started.Sub(free).Seconds()
			busy += task.Elapsed
			if before == task.Stage {
				within += gap
			} else {
				between += gap
				gaps = append(gaps, fmt.Sprintf("%.2f before %s", gap, task.Stage))
			}
			free, before = ended(task), task.Stage
		}
		text += fmt.Sprintf("%s: busy %.1f; idle %.1f between stages (%s), %.1f between tasks of a stage, %.1f at the end\n", worker, busy, between,
			strings.Join(gaps, ", "), within, end.Sub(free).Seconds())
	}
	return text
}

func ended(t manifest.TaskRecord) time.Time {
	return t.Started.Add(time.Duration(t.Elapsed * float64(time.Second)))
}

// multiplied writes a configuration of the quickstart with several times its images.
func multiplied(t *testing.T, times int) string {
	t.Helper()
	dir := t.TempDir()
	text := "extends: " + filepath.Join(root, "configs/quickstart.yaml") + "\nname: quickstart\nmodels:\n"
	for model, data := range map[string]string{"mnist_cnn": "mnist", "cifar10_vgg": "cifar10"} {
		for _, split := range []string{"fit", "test"} {
			shards, err := filepath.Glob(filepath.Join(root, "data", data, split+"-*.parquet"))
			if err != nil || len(shards) == 0 {
				t.Fatalf("no shards of %s: %v", data, err)
			}
			for i := range times {
				for j, shard := range shards {
					if err := os.Symlink(shard, filepath.Join(dir, fmt.Sprintf("%s-%s-%05d.parquet", data, split, i*len(shards)+j))); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		at := filepath.Join(dir, data)
		text += fmt.Sprintf("  - name: %s\n    path: %s\n    data:\n      id: none\n      fit: {path: %s-fit-*.parquet}\n      test: {path: %s-test-*.parquet}\n",
			model, filepath.Join(root, "savedmodels", model), at, at)
	}
	path := filepath.Join(dir, "quickstart.yaml")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}
