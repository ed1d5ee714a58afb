package command

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	tf "github.com/wamuir/graft/tensorflow"
)

func versionCommand() *cobra.Command {
	return described(&cobra.Command{
		Use:               "version",
		Short:             "Print the versions of the program and of what its numbers depend on",
		Args:              exactly(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			fmt.Fprint(c.OutOrStdout(), versionText())
			return nil
		},
	}, "Print the versions of upi, of Go, of TensorFlow and of the libraries that the numbers depend on.\n"+
		"A run keeps them in its manifest.json; upi diff compares those of two runs.",
		"upi version\nupi --version", nil)
}

// release is the version of a program that is given to others; the linker sets it.
var release string

// versions are those of the program, of Go and of the libraries that the numbers depend on.
func versions() map[string]string {
	v := map[string]string{"tensorflow": tf.Version(), "go": runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v["upi"] = cmp.Or(release, info.Main.Version)
	for _, m := range info.Deps {
		switch m.Path {
		case "github.com/wamuir/graft", "github.com/apache/arrow/go/v15", "gonum.org/v1/gonum":
			v[m.Path] = m.Version
		}
	}
	return v
}

// versionText has a line for each of the versions, the program's first.
func versionText() string {
	var text strings.Builder
	out := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	v := versions()
	fmt.Fprintf(out, "upi\t%s\n", v["upi"])
	delete(v, "upi")
	for _, name := range slices.Sorted(maps.Keys(v)) {
		fmt.Fprintf(out, "%s\t%s\n", name, v[name])
	}
	out.Flush()
	return text.String()
}
