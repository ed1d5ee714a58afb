// Package command is the command line of upi: what its commands are, their flags and exit codes, and how they are wired.
package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"upi/pipeline"
)

// Main runs one command line and returns its exit code.
func Main(args []string) int {
	ctx, release := interruptible()
	defer release()
	root := rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var again *restartError
	if errors.As(err, &again) {
		release()
		if err = context.Cause(ctx); err == nil {
			err = again.restart()
		}
	}
	if err != nil {
		tellError(root, err)
	}
	return exitCode(err)
}

// rootCommand is the command with all others below it.
func rootCommand() *cobra.Command {
	root := described(&cobra.Command{
		Use:           programName(),
		Short:         "One pattern, added to every image: does it change what the network says it looked at?",
		Version:       versionText(),
		Args:          known,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}, `
One pattern, added to every image: does it change what the network says it looked at?

upi finds universal perturbations for interpretation, and measures what they do to saliency maps.`, `
upi run configs/quickstart.yaml
upi help run`, exitCodes{
		pipeline.ExitUsage:   "the configuration, the command line, or what they name is wrong or not there",
		pipeline.ExitPartial: "done but for some tasks (upi run --keep-going)",
		pipeline.ExitLocked:  "another run of this name is going on",
	})
	root.SetVersionTemplate("{{.Version}}")
	root.SuggestionsMinimumDistance = 2
	addLogFlag(root)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	for _, c := range commands {
		root.AddCommand(c())
	}
	addCompletion(root)
	named(root)
	return root
}

// commands is the table of the commands. Those that are not abandonable end in order on a signal.
var commands = []func() *cobra.Command{
	runCommand, importCommand, gcCommand, abandonable(planCommand), abandonable(inspectCommand), abandonable(reportCommand),
	abandonable(doctorCommand), abandonable(verifyCommand), abandonable(diffCommand), abandonable(lineageCommand),
	abandonable(lsCommand), abandonable(initCommand), abandonable(tableCommand), versionCommand,
}

// A usageError is a wrong command line.
type usageError struct{ error }

// known turns down what is not the name of a command.
func known(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	message := fmt.Sprintf("unknown command %q", args[0])
	if similar := c.SuggestionsFor(args[0]); len(similar) > 0 {
		message += fmt.Sprintf("; did you mean %s?", strings.Join(similar, " or "))
	}
	return &usageError{errors.New(message + " (upi help lists the commands)")}
}

// exactly checks the number of arguments.
func exactly(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return &usageError{fmt.Errorf("%d arguments given; usage: %s", len(args), c.UseLine())}
		}
		return nil
	}
}
