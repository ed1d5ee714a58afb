package command

import "github.com/spf13/cobra"

// addCompletion adds cobra's command that prints a shell's completion script; its command lines are checked as all others are.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Args, c.RunE = known, func(c *cobra.Command, _ []string) error { return c.Help() }
		described(c, "Print a shell's completion script. The help of each shell's command says where to put it.", "source <(upi completion bash)", nil)
		for _, shell := range c.Commands() {
			shell.Args = exactly(0)
		}
	}
}

// A completion proposes what an argument may be.
type completion = cobra.CompletionFunc

// configurations completes a configuration's name.
func configurations(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

// runs completes the directories of n runs.
func runs(n int) completion {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= n {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
}
