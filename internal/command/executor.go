package command

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"upi/pipeline"
	"upi/pipeline/cache"
	"upi/pipeline/config"
	"upi/stages/planner"
)

// A Job is what an executor may know of the run that it is made for.
type Job struct {
	Config *config.Config
	// Text is the configuration as YAML.
	Text      []byte
	Planner   *planner.Planner
	Store     *cache.Store
	KeepGoing bool
	// Refresh runs every task, whatever the cache holds.
	Refresh bool
	// Disk keeps the run from filling the cache's disk.
	Disk *pipeline.Disk
	Log  *slog.Logger
}

// An Executor is a way to run the tasks of a job, and a program's own one beside those of the table.
type Executor struct {
	// Program is the name of the program that has it.
	Program string
	// Name is that on the command line, where it is the default.
	Name string
	// Flags adds its flags to those of run.
	Flags func(*pflag.FlagSet)
	// Check, which runs before anything else is done, says what is wrong with the flags.
	Check func() error
	New   func(Job) pipeline.Executor
}

// own is the executor of the program, if it has one of its own.
var own *Executor

// executors is the table of what can run the tasks of a job, by its name on the command line.
var executors = map[string]func(Job) pipeline.Executor{
	"local": local,
}

func local(j Job) pipeline.Executor {
	return &pipeline.Local{Store: j.Store, Workers: j.Config.Workers, KeepGoing: j.KeepGoing, Refresh: j.Refresh, Disk: j.Disk, Log: j.Log}
}

// MainWith is [Main] of a program that has an executor of its own.
func MainWith(e Executor, args []string) int {
	own, executors[e.Name] = &e, e.New
	return Main(args)
}

// programName is that of the program in its help.
func programName() string {
	if own == nil {
		return "upi"
	}
	return own.Program
}

func addExecutor(f *pflag.FlagSet, name *string) {
	preset := "local"
	if own != nil {
		preset = own.Name
		own.Flags(f)
	}
	f.StringVar(name, "executor", preset, "what runs the tasks: "+executorNames())
}

func executorNames() string { return strings.Join(slices.Sorted(maps.Keys(executors)), ", ") }

func checkExecutor(name string) error {
	if executors[name] == nil {
		return &usageError{fmt.Errorf("--executor %s: there is %s", name, executorNames())}
	}
	if own != nil && name == own.Name {
		if err := own.Check(); err != nil {
			return &usageError{err}
		}
	}
	return nil
}
