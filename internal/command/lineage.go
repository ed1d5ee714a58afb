package command

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"upi/pipeline"
)

func lineageCommand() *cobra.Command {
	return described(&cobra.Command{
		Use:               "lineage RUN WHAT",
		Short:             "Show the tasks and the hashes of the inputs that a file or a perturbation of a run comes from",
		Args:              exactly(2),
		ValidArgsFunction: runs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := there(args[0]); err != nil {
				return err
			}
			m, err := pipeline.ReadManifest(args[0])
			if err != nil {
				return err
			}
			makers := m.Makers(args[1])
			if len(makers) == 0 {
				return fmt.Errorf("trace: the manifest names no file and no perturbation %q; perturbations.parquet has their ids, the directory the files", args[1])
			}
			return showLineage(c.OutOrStdout(), m.Lineage(makers...))
		},
	}, `
Show the tasks and the hashes of the inputs that a file or a perturbation of a run comes from.

WHAT is a file's name in the run's directory, such as tables/summary.parquet, or the id of a perturbation, such as
mnist_cnn.sg.upi_pca.l2-510.s0: the perturbations of a cell are in perturbations.parquet, its images in scores/.`, `
upi lineage runs/quickstart tables/summary.parquet
upi lineage runs/quickstart mnist_cnn.sg.upi_pca.l2-510.s0`, nil)
}

func showLineage(w io.Writer, line []pipeline.TaskRecord) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, t := range line {
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", t.Stage, t.Label, t.Key, t.Status)
	}
	shown := map[string]bool{}
	for _, t := range line {
		for _, f := range t.Files {
			if !shown[f.Path] {
				fmt.Fprintf(out, "input\t%s\t%s\t%s\n", f.Role, f.SHA256, f.Path)
			}
			shown[f.Path] = true
		}
	}
	return out.Flush()
}
