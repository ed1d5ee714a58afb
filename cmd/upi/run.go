package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	tf "github.com/wamuir/graft/tensorflow"

	"upi/pipeline"
	"upi/pipeline/cache"
	"upi/pipeline/config"
	"upi/pipeline/progress"
	"upi/report"
	"upi/results"
	"upi/stages/planner"
)

// runFlags are the flags of the commands that read a configuration.
type runFlags struct {
	sets      []string
	executor  string
	workers   int
	noCache   bool
	keepGoing bool
}

func runCommand() *cobra.Command {
	var flags runFlags
	c := &cobra.Command{
		Use:   "run CONFIG",
		Short: "Run a configuration: find the perturbations, score them, write tables and a report",
		Args:  exactly(1),
		RunE:  func(c *cobra.Command, args []string) error { return run(c, args[0], flags) },
	}
	f := c.Flags()
	f.StringArrayVar(&flags.sets, "set", nil, "set a key, as in --set attacks.upi_pca.eps=[510]; may be repeated")
	f.StringVar(&flags.executor, "executor", "local", "what runs the tasks: local")
	f.IntVar(&flags.workers, "workers", 0, "tasks and calls to TensorFlow at once (default: the configuration's, or one per core)")
	f.BoolVar(&flags.noCache, "no-cache", false, "run every task, whatever the cache holds")
	f.BoolVar(&flags.keepGoing, "keep-going", false, "after a failed task go on with what does not need it (exit code 3)")
	return c
}

// A job is a configuration with everything that it takes to run it.
type job struct {
	config  *config.Config
	planner *planner.Planner
	store   *cache.Store
	plan    *pipeline.Plan
}

// prepare reads a configuration and looks for its devices and its cache.
func prepare(path string, flags runFlags) (*job, error) {
	if flags.executor != "" && flags.executor != "local" {
		return nil, &usageError{fmt.Errorf("--executor %s: there is only local", flags.executor)}
	}
	if flags.workers < 0 {
		return nil, &usageError{fmt.Errorf("--workers %d: want at least 1", flags.workers)}
	}
	c, err := config.Load(path, flags.sets, planner.Kinds())
	if err != nil {
		return nil, err
	}
	if flags.workers > 0 {
		c.Workers = flags.workers
	}
	if err := settled(c.Deterministic); err != nil {
		return nil, err
	}
	j := &job{config: c}
	if j.planner, err = planner.New(c); err != nil {
		return nil, err
	}
	if j.store, err = cache.Open(c.Cache); err != nil {
		return nil, pipeline.Advise(err)
	}
	j.plan = pipeline.NewPlan(j.planner.Environment(), j.store.Hasher())
	return j, nil
}

func run(c *cobra.Command, path string, flags runFlags) error {
	ctx := c.Context()
	j, err := interruptibly(ctx, func() (*job, error) { return prepare(path, flags) })
	if err != nil {
		return err
	}
	directory, err := pipeline.OpenRun(j.config.Output, j.config.Name)
	if err != nil {
		return err
	}
	defer directory.Close()
	description, err := j.describe()
	if err != nil {
		return err
	}
	if _, err := interruptibly(ctx, func() (any, error) { return nil, j.planner.Plan(j.plan) }); err != nil {
		return errors.Join(err, directory.Fail(description, err))
	}
	shown, log := progress.New(os.Stderr, j.config.Name)
	by := &pipeline.Local{Store: j.store, Workers: j.config.Workers, KeepGoing: flags.keepGoing, Refresh: flags.noCache, Log: log}
	manifest, failure := directory.Execute(ctx, j.store, j.plan, by, description, shown)
	if manifest == nil || failure != nil && manifest.Status != pipeline.RunPartial {
		return failure
	}
	if _, err := interruptibly(ctx, func() (any, error) { return nil, publish(c.OutOrStdout(), directory) }); err != nil {
		return directory.Spoil(manifest, err)
	}
	fmt.Fprintln(os.Stderr, "results:", directory.Dir())
	return failure
}

// present writes the report of a run's directory, and shows its summary.
func present(out io.Writer, dir string) error {
	if err := report.Build(dir, report.Options{}); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := report.Summary(out, dir); err != nil {
		return fmt.Errorf("show summary: %w", err)
	}
	return nil
}

// publish writes the report of a run, shows its summary, and adds what it has written to the manifest.
func publish(out io.Writer, directory *pipeline.Run) error {
	if err := present(out, directory.Dir()); err != nil {
		return err
	}
	files := []string{results.ReportFile}
	for _, dir := range []string{results.TablesDir, results.FiguresDir} {
		entries, err := os.ReadDir(filepath.Join(directory.Dir(), dir))
		if err != nil {
			return fmt.Errorf("list the report: %w", err)
		}
		for _, e := range entries {
			if filepath.Ext(e.Name()) != ".parquet" {
				files = append(files, filepath.Join(dir, e.Name()))
			}
		}
	}
	return directory.Include(files...)
}

func (j *job) describe() (pipeline.Description, error) {
	text, err := j.config.Marshal()
	if err != nil {
		return pipeline.Description{}, err
	}
	settings, err := json.Marshal(j.config)
	if err != nil {
		return pipeline.Description{}, fmt.Errorf("encode configuration: %w", err)
	}
	return pipeline.Description{
		Config:   text,
		Settings: json.RawMessage(settings),
		Versions: versions(),
		Device:   j.planner.Device(),
		Seeds:    j.config.Seeds,
	}, nil
}

// versions are those of the program, of Go and of the libraries that the numbers depend on.
func versions() map[string]string {
	v := map[string]string{"tensorflow": tf.Version(), "go": runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v["upi"] = info.Main.Version
	for _, m := range info.Deps {
		switch m.Path {
		case "github.com/wamuir/graft", "github.com/apache/arrow/go/v15", "gonum.org/v1/gonum":
			v[m.Path] = m.Version
		}
	}
	return v
}
