package command

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHelp holds the help of every command to its form: a text with the exit codes, and examples that are right command lines.
func TestHelp(t *testing.T) {
	root := rootCommand()
	for _, c := range append(root.Commands(), root) {
		t.Run(c.Name(), func(t *testing.T) {
			for _, want := range []string{"\n\nExit codes:\n  0    ", "\n  1    ", "\n  2    ", "\n  130  "} {
				if !strings.Contains(c.Long, want) {
					t.Errorf("its help lacks %q:\n%s", want, c.Long)
				}
			}
			for _, line := range strings.Split(c.Long, "\n") {
				if len(line) > 130 {
					t.Errorf("a line of %d characters: %s", len(line), line)
				}
			}
			if c.Example == "" {
				t.Error("its help has no example")
			}
			for _, line := range strings.Split(c.Example, "\n") {
				example(t, c, strings.Trim(line, " "))
			}
		})
	}
}

// example checks a command line: it names the command, which takes its flags and arguments.
func example(t *testing.T, c *cobra.Command, line string) {
	t.Helper()
	words := strings.Fields(strings.NewReplacer("'", "", "source <(", "", ")", "").Replace(line))
	root := rootCommand()
	root.InitDefaultHelpCmd()
	root.InitDefaultVersionFlag()
	found, arguments, err := root.Find(words[1:])
	if err != nil || words[0] != "upi" {
		t.Fatalf("%s: %v", line, err)
	}
	if c.HasParent() && !strings.HasPrefix(found.CommandPath()+" ", c.CommandPath()+" ") && line != "upi --version" {
		t.Errorf("%s is of the command %s", line, found.CommandPath())
	}
	if err := found.ParseFlags(arguments); err != nil {
		t.Errorf("%s: %v", line, err)
	}
	if err := found.ValidateArgs(found.Flags().Args()); err != nil {
		t.Errorf("%s: %v", line, err)
	}
}
