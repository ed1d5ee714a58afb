package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"upi/pipeline"
	"upi/report"
)

func diffCommand() *cobra.Command {
	return described(&cobra.Command{
		Use:               "diff RUN_A RUN_B",
		Short:             "Tell which inputs, settings and cells differ between two runs",
		Args:              exactly(2),
		ValidArgsFunction: runs(2),
		RunE: func(c *cobra.Command, args []string) error {
			var manifests [2]*pipeline.Manifest
			for i, dir := range args {
				m, err := pipeline.ReadManifest(dir)
				if err != nil {
					return err
				}
				manifests[i] = m
			}
			d := pipeline.Diff(manifests[0], manifests[1])
			for _, part := range []struct {
				name    string
				changes []pipeline.Change
			}{{"setting", d.Settings}, {"version", d.Versions}, {"input", d.Inputs}, {"stage", d.Stages}} {
				for _, change := range part.changes {
					fmt.Fprintf(c.OutOrStdout(), "%s %s\n", part.name, change)
				}
			}
			cells, err := report.Compare(c.OutOrStdout(), args[0], args[1])
			if err != nil {
				return err
			}
			if d.Empty() && cells == 0 {
				fmt.Fprintln(c.OutOrStdout(), "nothing differs")
			}
			return nil
		},
	}, `
Tell which settings, versions, inputs and stages differ between two runs, and which cells of their summary tables: the
difference of the means with its 95 % interval.`, `
upi diff archive/mnist-2026-11-21 runs/mnist`, exitCodes{pipeline.ExitDone: "done, whether they differ or not"})
}
