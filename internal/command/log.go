package command

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"upi/pipeline"
	"upi/pipeline/progress"
)

// addLogFlag adds the flag that says how all commands write to standard error.
func addLogFlag(root *cobra.Command) {
	root.PersistentFlags().String("log", string(progress.Text), "format of what is written to standard error: text, or json for an object a line")
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		if f := logFormat(c); !slices.Contains(progress.Formats, f) {
			return &usageError{fmt.Errorf("--log %s: want text or json", f)}
		}
		return nil
	}
}

func logFormat(c *cobra.Command) progress.Format {
	text, err := c.Root().PersistentFlags().GetString("log")
	if err != nil {
		return progress.Text
	}
	return progress.Format(text)
}

// tellError writes the error that ends the program.
func tellError(root *cobra.Command, err error) {
	if logFormat(root) == progress.JSON {
		progress.NewLogger(os.Stderr, progress.JSON).Error(err.Error(), "exit_code", exitCode(err))
		return
	}
	fmt.Fprintln(os.Stderr, programName()+":", err)
}

// tellResults says where the results of a run are.
func tellResults(c *cobra.Command, dir string, log *slog.Logger) {
	if logFormat(c) == progress.JSON {
		log.Info("results", "directory", dir)
		return
	}
	fmt.Fprintln(os.Stderr, "results:", dir)
}

// exitCode is the exit code that says what an error is.
func exitCode(err error) int {
	var usage *usageError
	var swept *sweepError
	switch {
	case errors.As(err, &usage):
		return pipeline.ExitUsage
	case errors.As(err, &swept):
		return swept.code
	}
	return pipeline.ExitCode(err)
}
