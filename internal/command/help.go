package command

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"upi/pipeline"
)

// exitCodes says in a command's help what its exit codes mean.
type exitCodes map[int]string

// described gives a command its help: what it does, examples, and the exit codes. Those that all commands share are said here; a
// command says what is particular to it.
func described(c *cobra.Command, text, examples string, particular exitCodes) *cobra.Command {
	codes := exitCodes{
		pipeline.ExitDone:        "done",
		pipeline.ExitFailed:      "failed; the last line says why and what to do",
		pipeline.ExitUsage:       "the command line is wrong",
		pipeline.ExitInterrupted: "stopped by SIGINT or SIGTERM",
	}
	maps.Copy(codes, particular)
	var long strings.Builder
	fmt.Fprintf(&long, "%s\n\nExit codes:\n", strings.TrimSpace(text))
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		fmt.Fprintf(&long, "  %-5d%s\n", code, codes[code])
	}
	c.Long = strings.TrimSuffix(long.String(), "\n")
	c.Example = "  " + strings.ReplaceAll(strings.TrimSpace(examples), "\n", "\n  ")
	return c
}

// named has a command's examples, and those of the commands below it, begin with the program's name.
func named(c *cobra.Command) {
	c.Example = strings.ReplaceAll(c.Example, "  upi ", "  "+programName()+" ")
	for _, below := range c.Commands() {
		named(below)
	}
}
