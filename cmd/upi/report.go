package main

import (
	"github.com/spf13/cobra"

	"upi/report"
)

func reportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "report RUN",
		Short: "Write the tables, figures and report.html of a run's directory anew",
		Args:  exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := report.WriteTables(args[0]); err != nil {
				return err
			}
			return report.Summary(c.OutOrStdout(), args[0])
		},
	}
}
