package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8/cwriter"

	"upi/metric"
	"upi/pipeline"
	"upi/report"
)

func tableCommand() *cobra.Command {
	var choice report.Choice
	var where, labels []string
	c := &cobra.Command{
		Use:               "table RUN...",
		Short:             "Write chosen numbers of one or several runs as a table: text, Markdown, LaTeX or CSV",
		Args:              atLeast(1),
		ValidArgsFunction: runs(100),
		RunE: func(c *cobra.Command, dirs []string) error {
			var err error
			if choice.Where, err = chosenValues(where); err != nil {
				return err
			}
			if choice.Labels, err = givenLabels(labels); err != nil {
				return err
			}
			choice.Width = widthOf(c.OutOrStdout())
			if err := there(dirs...); err != nil {
				return err
			}
			dirs = eachRun(dirs)
			for i, dir := range dirs {
				shown, done, err := interim(c.Context(), os.Stderr, dir)
				if err != nil {
					return err
				}
				defer done()
				dirs[i] = shown
			}
			err = report.Table(c.OutOrStdout(), dirs, choice)
			var wrong *report.ChoiceError
			if errors.As(err, &wrong) {
				return &usageError{err}
			}
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&choice.Table, "table", "", "which table of the runs (default summary)")
	f.StringSliceVar(&choice.Metrics, "metrics", nil, "the metrics, in the order of the columns (default all)")
	f.StringSliceVar(&choice.By, "by", nil, "what rows are told apart by, in this order: "+strings.Join(report.Keys, ", "))
	f.StringSliceVar(&choice.Across, "across", nil, "what stands side by side: some of the same")
	f.StringArrayVar(&where, "where", nil, "keep these rows only, as in --where eps=510,1020; may be repeated")
	f.StringArrayVar(&labels, "label", nil, "write a name so, as in --label upi_grad=UPI-Grad; may be repeated (see labels in the configuration)")
	f.BoolVar(&choice.Difference, "difference", false, "beside each metric its difference to random, with a 95 % interval")
	f.StringVar(&choice.Format, "format", "text", strings.Join(report.Formats, ", "))
	return described(c, `
Write chosen numbers of one or several runs as a table: one row for each method and whatever else varies, one column for each
metric, the strongest change of the maps in bold. As LaTeX it is one table that fits a column of an article.

Metrics (formulas and sources stand in a run's README.md):
`+metricsHelp(), `
upi table runs/quickstart --metrics normalized_l2,cosine --by model,eps
upi table runs/quickstart --metrics normalized_l2 --across eps --where model=mnist_cnn --format latex --label upi_grad=UPI-Grad
upi table archive/mnist-2026-11-21 runs/mnist --format csv`, exitCodes{
		pipeline.ExitUsage: "the command line is wrong, or names what the tables do not hold",
	})
}

// metricsHelp has a line for each metric.
func metricsHelp() string {
	var lines strings.Builder
	for _, m := range metric.All() {
		stronger, _, _ := strings.Cut(m.Stronger(), " ")
		fmt.Fprintf(&lines, "  %-19s%s; stronger: %s\n", m.Name, m.Doc, stronger)
	}
	return lines.String()
}

// chosenValues reads key=value,value.
func chosenValues(expressions []string) (map[string][]string, error) {
	where := map[string][]string{}
	for _, expression := range expressions {
		key, values, ok := strings.Cut(expression, "=")
		if !ok || values == "" {
			return nil, &usageError{fmt.Errorf("--where %s: want key=value", expression)}
		}
		where[key] = append(where[key], strings.Split(values, ",")...)
	}
	return where, nil
}

// givenLabels reads name=label.
func givenLabels(expressions []string) (map[string]string, error) {
	labels := map[string]string{}
	for _, expression := range expressions {
		name, label, ok := strings.Cut(expression, "=")
		if !ok || name == "" || label == "" {
			return nil, &usageError{fmt.Errorf("--label %s: want name=label", expression)}
		}
		labels[name] = label
	}
	return labels, nil
}

// widthOf is the width of a terminal, in columns; of anything else what most are wide.
func widthOf(out io.Writer) int {
	if f, ok := out.(*os.File); ok && cwriter.IsTerminal(int(f.Fd())) {
		if width, _, err := cwriter.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return report.TerminalWidth
}

// atLeast checks the number of arguments.
func atLeast(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < n {
			return &usageError{fmt.Errorf("%d arguments given; usage: %s", len(args), c.UseLine())}
		}
		return nil
	}
}
