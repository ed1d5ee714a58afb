package main

import (
	"fmt"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"upi/pipeline"
	"upi/pipeline/config"
)

func planCommand() *cobra.Command {
	var flags runFlags
	c := &cobra.Command{
		Use:   "plan CONFIG",
		Short: "Say what a run would do and why, with its memory, disk and time; run nothing",
		Args:  exactly(1),
		RunE:  func(c *cobra.Command, args []string) error { return showPlan(c, args[0], flags) },
	}
	c.Flags().StringArrayVar(&flags.sets, "set", nil, "set a key, as with upi run")
	return c
}

func showPlan(c *cobra.Command, path string, flags runFlags) error {
	j, err := prepare(path, flags)
	if err != nil {
		return err
	}
	if err := j.runner.Plan(j.config, j.plan); err != nil {
		return err
	}
	previous, err := pipeline.ReadManifest(filepath.Join(j.config.Output, j.config.Name))
	if err != nil {
		previous = nil
	}
	explained, err := pipeline.Explain(j.plan, j.store, previous)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	hits := map[string]int{}
	total := map[string]int{}
	for _, e := range explained {
		total[e.Task.Stage]++
		if e.Hit {
			hits[e.Task.Stage]++
		}
	}
	fmt.Fprintln(out, "stage\ttasks\tin the cache\tto run")
	for _, stage := range j.plan.StageNames() {
		fmt.Fprintf(out, "%s\t%d\t%d\t%d\n", stage, total[stage], hits[stage], total[stage]-hits[stage])
	}
	if err := out.Flush(); err != nil {
		return err
	}
	for _, e := range explained {
		if e.Hit {
			continue
		}
		fmt.Fprintf(c.OutOrStdout(), "run %s %s\n", e.Task.Stage, e.Task.Label)
		for _, why := range e.Why {
			fmt.Fprintf(c.OutOrStdout(), "    %s\n", why)
		}
	}
	cost := pipeline.Total(explained)
	fmt.Fprintf(c.OutOrStdout(), "estimated: disk %s, memory at most %s, time %s of work\n", size(cost.Bytes), j.config.Memory,
		(time.Duration(cost.Seconds) * time.Second).Round(time.Second))
	return nil
}

// size writes bytes with a binary unit, rounded.
func size(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1fGiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1fMiB", float64(bytes)/(1<<20))
	}
	return config.Bytes(bytes).String()
}
