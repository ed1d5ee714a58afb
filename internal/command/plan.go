package command

import (
	"fmt"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"upi/pipeline"
)

func planCommand() *cobra.Command {
	var flags runFlags
	var list, measure bool
	c := &cobra.Command{
		Use:               "plan CONFIG",
		Short:             "Say what a run would do and why, with its memory, disk and time; run nothing",
		Args:              exactly(1),
		ValidArgsFunction: configurations,
		RunE:              func(c *cobra.Command, args []string) error { return showPlan(c, args[0], flags, list, measure) },
	}
	c.Flags().StringArrayVar(&flags.sets, "set", nil, "set a key, as with upi run")
	c.Flags().BoolVar(&list, "tasks", false, "list every task that would run, with all its reasons")
	c.Flags().BoolVar(&measure, "measure", false, "measure the time on a few batches of every program, in place of what an earlier run took")
	return described(c, `
Say what a run would do, and why: how many tasks of each stage are done (in the cache, or needed no more) and how many are to be
run, with an estimate of the disk, by stage, and of the memory and time that they take. Each stage and reason is a line; a task
may have several reasons.
Nothing is run or written but the hashes of inputs. With --measure a few images go through everything, in a directory of their own
that is removed, and the time is estimated by what they take.`, `
upi plan configs/quickstart.yaml
upi plan configs/quickstart.yaml --set seeds=[0,1,2] --tasks`, exitCodes{
		pipeline.ExitUsage: "the configuration, the command line, or a model, shard or device that they name is wrong or not there",
	})
}

func showPlan(c *cobra.Command, path string, flags runFlags, list, measure bool) error {
	j, err := prepare(path, flags)
	if err != nil {
		return err
	}
	if err := j.planner.Plan(j.plan); err != nil {
		return pipeline.Named(err)
	}
	if err := j.planner.SecondOrder(); err != nil {
		return pipeline.Named(err)
	}
	previous, err := pipeline.ReadManifest(filepath.Join(j.config.Output, j.config.Name))
	if err != nil {
		previous = nil
	}
	if err := tellOther(c.OutOrStdout(), j); err != nil {
		return err
	}
	explained, err := pipeline.Foresee(j.plan, j.store, previous)
	if err != nil {
		return err
	}
	total, hits := map[string]int{}, map[string]int{}
	hit := map[*pipeline.Task]bool{}
	var tasks []planned
	for _, e := range explained {
		total[e.Task.Stage]++
		if hit[e.Task] = e.Hit; e.Hit {
			hits[e.Task.Stage]++
		} else {
			tasks = append(tasks, planned{e.Task.Stage, e.Task.Label, e.Reasons})
		}
	}
	out := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	use := pipeline.DiskOf(j.plan, func(_ int, t *pipeline.Task) bool { return !hit[t] })
	fmt.Fprintln(out, "stage\ttasks\tdone\tto run\tdisk")
	for _, s := range use.Stages {
		fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%s\n", s.Stage, total[s.Stage], hits[s.Stage], total[s.Stage]-hits[s.Stage], stageDisk(s))
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if list {
		showTasks(c.OutOrStdout(), tasks)
	} else if err := showReasons(c.OutOrStdout(), tasks); err != nil {
		return err
	}
	paces := j.plan.PacesOf(filepath.Join(j.config.Output, j.config.Name))
	if measure {
		if paces, err = j.measure(c.Context(), path, flags); err != nil {
			return err
		}
	}
	fmt.Fprintf(c.OutOrStdout(), "estimated: disk %s, memory at most %s, time %s\n",
		size(use.Stays), j.config.Memory, work(explained, paces, j.config.Name))
	if text := saving(explained, previous); text != "" && j.planner.Reducible() == nil {
		fmt.Fprintln(c.OutOrStdout(), text)
	}
	return j.tellDisk(c.OutOrStdout(), use)
}

// work estimates the time of the tasks to run by what such tasks took: in the run before, in one beside it, or as measured.
func work(explained []pipeline.Forecast, paces pipeline.Paces, name string) string {
	seconds, unknown := paces.Time(explained)
	if unknown > 0 && seconds == 0 {
		return "not known before a first run (which says it from its first tasks on; --measure measures it)"
	}
	text := fmt.Sprintf("%s of work", time.Duration(seconds*float64(time.Second)).Round(100*time.Millisecond))
	if paces.Run != "" && paces.Run != name {
		text += " by what " + paces.Run + " took"
		if paces.Foreign {
			text += " with other models and images (--measure measures it)"
		}
	}
	if unknown > 0 {
		text += fmt.Sprintf(" and that of %d tasks of which nothing is known", unknown)
	}
	return text
}

// size writes bytes with a binary unit, rounded.
func size(bytes int64) string { return pipeline.ShortBytes(bytes) }
