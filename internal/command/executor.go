package command

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"upi/pipeline"
)

// executors is the table of what can run the tasks of a job, by its name on the command line.
var executors = map[string]func(j *job, flags runFlags, log *slog.Logger) pipeline.Executor{
	"local": local,
}

func local(j *job, flags runFlags, log *slog.Logger) pipeline.Executor {
	return &pipeline.Local{Store: j.store, Workers: j.config.Workers, KeepGoing: flags.keepGoing, Refresh: flags.noCache, Disk: j.disk, Log: log}
}

func executorNames() string { return strings.Join(slices.Sorted(maps.Keys(executors)), ", ") }

func checkExecutor(name string) error {
	if executors[name] == nil {
		return &usageError{fmt.Errorf("--executor %s: there is %s", name, executorNames())}
	}
	return nil
}
