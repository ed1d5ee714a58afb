package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"upi/beam"
	"upi/internal/command"
	"upi/pipeline"
)

// flags are those of upi-beam run beside upi's.
type flags struct {
	runner, endpoint, boot string
	parallelism, gpus      int
}

func (f *flags) executor() command.Executor {
	return command.Executor{Program: "upi-beam", Name: "beam", Flags: f.add, Check: f.check, New: f.new}
}

func (f *flags) add(set *pflag.FlagSet) {
	set.StringVar(&f.runner, "runner", beam.Prism, "what runs the job: prism, in this process, or flink, on a cluster")
	set.StringVar(&f.endpoint, "endpoint", "", "host and port of Flink's job server")
	set.IntVar(&f.parallelism, "parallelism", 0, "slots of the cluster that the job takes (default: the cluster's)")
	set.IntVar(&f.gpus, "gpus", 1, "GPUs that a worker process takes, in a run on GPUs")
	set.StringVar(&f.boot, "worker", "", "path of upi-beam-worker on the cluster's machines (default: beside this program)")
}

func (f *flags) check() error {
	switch {
	case f.runner != beam.Prism && f.runner != beam.Flink:
		return fmt.Errorf("--runner %s: there is %s, %s", f.runner, beam.Prism, beam.Flink)
	case f.runner == beam.Flink && f.endpoint == "":
		return fmt.Errorf("--runner flink: where is its job server? (--endpoint HOST:PORT)")
	case f.runner == beam.Prism && f.endpoint != "":
		return fmt.Errorf("--endpoint %s: prism runs in this process; add --runner flink for a cluster", f.endpoint)
	case f.parallelism < 0 || f.gpus < 1:
		return fmt.Errorf("--parallelism %d, --gpus %d: want at least 1", f.parallelism, f.gpus)
	}
	if f.boot == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find the program's own file: %w", err)
		}
		f.boot = filepath.Join(filepath.Dir(self), "upi-beam-worker")
	}
	return nil
}

func (f *flags) new(j command.Job) pipeline.Executor {
	x := &beam.Executor{Store: j.Store, Name: j.Config.Name, Runner: f.runner, Endpoint: f.endpoint, Parallelism: f.parallelism, Boot: f.boot,
		Workers: j.Config.Workers, Environment: tensorflow(), KeepGoing: j.KeepGoing, Refresh: j.Refresh, Log: j.Log}
	if strings.HasPrefix(j.Planner.Device(), "gpu") {
		x.GPUs = f.gpus
	}
	x.Config = j.Text
	return x
}

// tensorflow are the variables of this process that TensorFlow has read.
func tensorflow() map[string]string {
	found := map[string]string{}
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "TF_") {
			found[name] = value
		}
	}
	return found
}
