package command

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"upi/pipeline"
)

func lsCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "ls [DIR]",
		Short: "List runs: name, hash of the configuration, date, state",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactly(1)(c, args)
			}
			return nil
		},
		ValidArgsFunction: runs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir := "runs"
			if len(args) == 1 {
				dir = args[0]
			}
			if err := there(dir); err != nil {
				return err
			}
			return listRuns(c, dir, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as a JSON list")
	return described(c, `
List the runs in a directory (runs by default), those of sweeps too: the name, the hash of the configuration, when the last run
ended or, of one that goes on, began, and its state: done, running, failed, interrupted (killed too) or partial (done but for some
tasks). Runs of one hash were asked for the same: the name, the directories, memory and workers do not count.`, `
upi ls
upi ls /srv/upi/runs --json`, nil)
}

func listRuns(c *cobra.Command, dir string, asJSON bool) error {
	all, err := pipeline.List(dir)
	if err != nil {
		return err
	}
	if asJSON {
		e := json.NewEncoder(c.OutOrStdout())
		e.SetIndent("", "  ")
		return e.Encode(listed(all))
	}
	if len(all) == 0 {
		fmt.Fprintln(c.OutOrStdout(), "no runs in", dir)
		return nil
	}
	out := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "run\tconfiguration\tdate\tstate")
	for _, l := range all {
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", l.Name, l.Config, l.Date.Local().Format("2006-01-02 15:04"), stateOf(l))
	}
	return out.Flush()
}

// stateOf says beside the state of a run that came to nothing which results are there.
func stateOf(l pipeline.Listed) string {
	state := string(l.State)
	if ended := l.State == pipeline.RunFailed || l.State == pipeline.RunInterrupted; ended && !l.Results.IsZero() {
		state += ", results of " + l.Results.Local().Format(time.DateOnly+" 15:04")
	}
	if l.Unmet > 0 && l.State == pipeline.RunDone {
		state += fmt.Sprintf(", %d of %d expectations do not hold", l.Unmet, l.Expected)
	}
	return state
}
