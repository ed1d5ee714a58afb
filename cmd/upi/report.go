package main

import "github.com/spf13/cobra"

func reportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "report RUN",
		Short: "Write the tables, figures and report.html of a run's directory anew",
		Args:  exactly(1),
		RunE:  func(c *cobra.Command, args []string) error { return present(c.OutOrStdout(), args[0]) },
	}
}
