package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"upi/pipeline"
	"upi/pipeline/cache"
	"upi/pipeline/config"
	"upi/pipeline/content"
	"upi/pipeline/progress"
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
	replace   bool
	sweeps    []string
}

func runCommand() *cobra.Command {
	var flags runFlags
	c := &cobra.Command{
		Use:               "run CONFIG",
		Short:             "Run a configuration: find the perturbations, score them, write tables and a report",
		Args:              exactly(1),
		ValidArgsFunction: configurations,
		RunE:              func(c *cobra.Command, args []string) error { return runOrSweep(c, args[0], flags) },
	}
	f := c.Flags()
	f.StringArrayVar(&flags.sets, "set", nil, "set a key, as in --set attacks.upi_pca.eps=[510]; may be repeated")
	addExecutor(f, &flags.executor)
	f.IntVar(&flags.workers, "workers", 0, "tasks and calls to TensorFlow at once (default: the configuration's, or one per core)")
	f.BoolVar(&flags.noCache, "no-cache", false, "run every task, whatever the cache holds")
	f.BoolVar(&flags.keepGoing, "keep-going", false, "after a failed task go on with what does not need it (exit code 3)")
	f.BoolVar(&flags.replace, "replace", false, "replace the results of another configuration under this name instead of keeping them as NAME.1")
	f.StringArrayVar(&flags.sweeps, "sweep", nil, "make a run for each value of a key, as in --sweep seed=0,1,2; may be repeated")
	return described(c, `
Run a configuration: find the perturbations, score them, write tables, figures and a report to OUTPUT/NAME.

What an earlier run has left in the cache is not done again, so a run that was stopped goes on where it was. If OUTPUT/NAME
holds the results of another configuration, they are kept as OUTPUT/NAME.1 (.2 and so on after that).

With --sweep KEY=VALUE,VALUE,... there is a run for each value, one after another, in OUTPUT/NAME/KEY=VALUE; lists are values
too, as in --sweep attacks.upi_pca.eps=[510,1020],[2040], and so are fractions. Of several --sweep there is a run for each
combination.

The summary goes to standard output, the log to standard error.`, `
upi run configs/quickstart.yaml
upi run configs/quickstart.yaml --set attacks.upi_pca.eps=[510] --set name=large --workers 1
upi run configs/quickstart.yaml --set name=sizes --sweep attacks.upi_pca.eps=[255],[510],[1020]`, exitCodes{
		pipeline.ExitFailed:      "the run failed; the results of the run before are still there, what was done is in the cache",
		pipeline.ExitUsage:       "the configuration, the command line, or a model, shard or device that they name is wrong or not there; nothing was run",
		pipeline.ExitPartial:     "done but for some tasks (--keep-going); the tables say missing where a number could not be had",
		pipeline.ExitLocked:      "another run of this name is going on",
		pipeline.ExitGate:        "done, and the results do not meet the configuration's expect; the last lines say where",
		pipeline.ExitInterrupted: "stopped by SIGINT or SIGTERM; start it again to go on",
	})
}

// A job is a configuration with everything that it takes to run it.
type job struct {
	config  *config.Config
	planner *planner.Planner
	store   *cache.Store
	disk    *pipeline.Disk
	plan    *pipeline.Plan
}

// prepare reads a configuration and looks for its devices and its cache.
func prepare(path string, flags runFlags) (*job, error) {
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
		return nil, pipeline.Named(err)
	}
	if j.store, err = cache.Open(c.Cache); err != nil {
		return nil, pipeline.Advise(err)
	}
	if j.disk, err = pipeline.NewDisk(j.store.Root()); err != nil {
		return nil, err
	}
	j.plan = pipeline.NewPlan(j.planner.Environment(), j.store.Hasher())
	return j, nil
}

// planOf plans a configuration. The hasher, which may be nil, remembers the hashes of files.
func planOf(c *config.Config, hasher *content.Hasher) (*pipeline.Plan, error) {
	p, err := planner.New(c)
	if err != nil {
		return nil, err
	}
	plan := pipeline.NewPlan(p.Environment(), hasher)
	return plan, p.Plan(plan)
}

func run(c *cobra.Command, path string, flags runFlags) error {
	ctx := c.Context()
	if err := checkExecutor(flags.executor); err != nil {
		return err
	}
	j, err := interruptibly(ctx, func() (*job, error) { return prepare(path, flags) })
	if err != nil {
		return err
	}
	directory, err := pipeline.OpenRun(j.config.Output, j.config.Name)
	if err != nil {
		return err
	}
	defer directory.Close()
	directory.Numbers = func() ([]pipeline.Family, error) { return scoreFamilies(directory.Dir()) }
	description, err := j.describe()
	if err != nil {
		return err
	}
	if _, err := interruptibly(ctx, func() (any, error) { return nil, pipeline.Named(j.planned(flags.keepGoing)) }); err != nil {
		return errors.Join(err, directory.Fail(description, err))
	}
	shown, log := progress.New(os.Stderr, j.config.Name, logFormat(c))
	if err := keepOther(ctx, directory, j.store, description, flags.replace, log); err != nil {
		return err
	}
	if err := j.checkDisk(flags); err != nil {
		return errors.Join(err, directory.Fail(description, err))
	}
	j.plan.Remember(j.plan.PacesOf(directory.Dir()))
	by := executors[flags.executor](Job{Config: j.config, Text: description.Config, Planner: j.planner, Store: j.store, KeepGoing: flags.keepGoing,
		Refresh: flags.noCache, Disk: j.disk, Log: log})
	manifest, failure := directory.Execute(ctx, j.store, j.plan, by, description, shown)
	if manifest == nil || failure != nil && manifest.Status != pipeline.RunPartial {
		return failure
	}
	if _, err := interruptibly(ctx, func() (any, error) { return nil, publish(c.OutOrStdout(), directory) }); err != nil {
		return directory.Spoil(manifest, err)
	}
	tellResults(c, directory.Dir(), log)
	return errors.Join(failure, j.gate(directory, manifest))
}

// planned plans the run. An attack that no image gives a direction is an error before anything is run, unless the others are to go on.
func (j *job) planned(keepGoing bool) error {
	if err := j.planner.Plan(j.plan); err != nil || keepGoing {
		return err
	}
	return j.planner.SecondOrder()
}

// publish writes the report of a run, shows its summary, and adds what it has written to the manifest.
func publish(out io.Writer, directory *pipeline.Run) error {
	if err := present(out, directory.Dir()); err != nil {
		return err
	}
	files := []string{results.ReportFile, results.ReadmeFile}
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
