package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
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
		if first == nil {
			first = p
		}
		last = p
	}
	same(t, last, first, "quickstart")
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
