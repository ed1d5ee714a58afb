package command

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"upi/report"
)

func reportCommand() *cobra.Command {
	return described(&cobra.Command{
		Use:               "report RUN",
		Short:             "Write the tables, figures and report.html of a run's directory anew",
		Args:              exactly(1),
		ValidArgsFunction: runs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := there(args[0]); err != nil {
				return err
			}
			dir, done, err := interim(c.Context(), c.OutOrStdout(), args[0])
			if err != nil {
				return err
			}
			defer done()
			if dir == args[0] {
				return present(c.OutOrStdout(), dir)
			}
			return report.SummaryOf(c.OutOrStdout(), dir, args[0], widthOf(c.OutOrStdout()))
		},
	}, `
Write the tables (Markdown, LaTeX, CSV), the figures and report.html of a run's directory anew, from its Parquet files,
and show the summary.

Of a run that goes on, or was stopped before it left any results, show the summary of what is scored so far, and say how far it
is; nothing is written.`, "upi report runs/quickstart", nil)
}

// present writes the report of a run's directory, and shows its summary.
func present(out io.Writer, dir string) error {
	if err := report.Build(dir); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := report.Summary(out, dir, widthOf(out)); err != nil {
		return fmt.Errorf("show summary: %w", err)
	}
	return nil
}
