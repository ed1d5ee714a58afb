package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"upi/compare"
	"upi/pipeline"
)

func diffCommand() *cobra.Command {
	var failOn []string
	var asJSON bool
	c := &cobra.Command{
		Use:               "diff RUN_A RUN_B...",
		Short:             "Tell which inputs, settings and cells differ between runs, and hold the differences against conditions",
		Args:              atLeast(1),
		ValidArgsFunction: runs(10),
		RunE: func(c *cobra.Command, args []string) error {
			var gates []compare.Condition
			for _, text := range failOn {
				g, err := compare.ParseCondition(text)
				if err != nil {
					return &usageError{fmt.Errorf("--fail-on: %w", err)}
				}
				gates = append(gates, g)
			}
			if err := there(args...); err != nil {
				return err
			}
			dirs := eachRun(args)
			if len(dirs) < 2 {
				return &usageError{fmt.Errorf("%s is one run: name what it is to be compared with", dirs[0])}
			}
			var failed pipeline.GateError
			for _, after := range dirs[1:] {
				d, err := differenceOf(dirs[0], after, gates)
				if err != nil {
					return err
				}
				if asJSON {
					err = writeJSON(c.OutOrStdout(), d)
				} else {
					err = d.show(c.OutOrStdout())
				}
				if err != nil {
					return err
				}
				failed.Failed = append(failed.Failed, d.failures()...)
			}
			if len(failed.Failed) > 0 {
				return &failed
			}
			return nil
		},
	}
	c.Flags().StringArrayVar(&failOn, "fail-on", nil, "end with exit code 5 if a difference meets this, as in 'normalized_l2 < -0.02'; may be repeated")
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON, with all cells, equal ones too; a document for each pair of runs")
	return described(c, `
Tell which settings, versions, inputs and stages differ between two runs, and which cells of their tables: the mean of the
differences B - A over the images that both have scored, with its paired bootstrap 95 % interval. Several runs are each compared
with the first; the directory of a sweep stands for all its runs.

A condition for --fail-on is [WORD...] METRIC < NUMBER, or > NUMBER. It is about every cell of that metric that agrees with the
words: the name of an attack, or KEY=VALUE with the keys method, source, target, explanation, norm and eps. What is compared with
the number is the mean difference; METRIC.low and METRIC.high are the ends of its interval, so that 'normalized_l2.high < 0' is
what is surely lower. A cell of which a run has no number, or that only one run has, counts as one that meets the condition.`, `
upi diff archive/mnist-2026-11-21 runs/mnist
upi diff archive/mnist-2026-11-21 runs/mnist --json --fail-on 'normalized_l2<-0.02' --fail-on 'cosine.low>0'`, exitCodes{
		pipeline.ExitDone:  "done, whether they differ or not",
		pipeline.ExitUsage: "the command line is wrong, or a condition is about no cell",
		pipeline.ExitGate:  "a difference meets a condition of --fail-on; the last lines say which",
	})
}

// A difference is all that differs between two runs, as it is written as JSON.
type difference struct {
	Before     string            `json:"before"`
	After      string            `json:"after"`
	Settings   []pipeline.Change `json:"settings"`
	Versions   []pipeline.Change `json:"versions"`
	Inputs     []pipeline.Change `json:"inputs"`
	Stages     []pipeline.Change `json:"stages"`
	Cells      []compare.Cell    `json:"cells"`
	Conditions []condition       `json:"conditions"`
}

// A condition of --fail-on, with the cells that meet it.
type condition struct {
	FailOn string         `json:"fail_on"`
	Failed bool           `json:"failed"`
	Cells  []compare.Cell `json:"cells"`
}

func differenceOf(before, after string, gates []compare.Condition) (*difference, error) {
	var manifests [2]*pipeline.Manifest
	for i, dir := range []string{before, after} {
		m, err := pipeline.ReadManifest(dir)
		if err != nil {
			return nil, err
		}
		manifests[i] = m
	}
	made := pipeline.Diff(manifests[0], manifests[1])
	cells, err := compare.Runs(before, after)
	if err != nil {
		return nil, err
	}
	d := &difference{Before: before, After: after, Settings: listed(made.Settings), Versions: listed(made.Versions), Inputs: listed(made.Inputs),
		Stages: listed(made.Stages), Cells: listed(cells), Conditions: []condition{}}
	for _, g := range gates {
		met, err := g.Met(cells)
		if err != nil {
			return nil, pipeline.Named(fmt.Errorf("--fail-on: %w", err))
		}
		d.Conditions = append(d.Conditions, condition{g.Text, len(met) > 0, listed(met)})
	}
	return d, nil
}

// listed makes of no list an empty one, which in JSON is [] and not null.
func listed[T any](list []T) []T { return append([]T{}, list...) }

func writeJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	return e.Encode(value)
}

// show writes what differs, a line each.
func (d *difference) show(w io.Writer) error {
	lines := 0
	for _, part := range []struct {
		name    string
		changes []pipeline.Change
	}{{"setting", d.Settings}, {"version", d.Versions}, {"input", d.Inputs}, {"stage", d.Stages}} {
		for _, change := range part.changes {
			fmt.Fprintf(w, "%s %s\n", part.name, change)
			lines++
		}
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range d.Cells {
		if !c.Differs() {
			continue
		}
		lines++
		name := fmt.Sprintf("cell %s %s", c.Row, c.Metric)
		switch {
		case c.Before == nil:
			fmt.Fprintf(out, "%s\tonly in %s\t%s\n", name, d.After, meanText(c.After.Mean))
		case c.After == nil:
			fmt.Fprintf(out, "%s\tonly in %s\t%s\n", name, d.Before, meanText(c.Before.Mean))
		default:
			fmt.Fprintf(out, "%s\t%s -> %s\t%s\timages %d -> %d, %d in both\n", name, meanText(c.Before.Mean), meanText(c.After.Mean), interval(c),
				c.Before.Images, c.After.Images, c.Images)
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if lines == 0 {
		fmt.Fprintln(w, "nothing differs")
	}
	return nil
}

func meanText(mean *float64) string {
	if mean == nil {
		return "missing"
	}
	return fmt.Sprintf("%.6f", *mean)
}

// interval is the difference over the images that both runs have scored.
func interval(c compare.Cell) string {
	switch {
	case c.Difference == nil:
		return "missing"
	case c.Low == nil || c.High == nil:
		return fmt.Sprintf("%+.4f", *c.Difference)
	}
	return fmt.Sprintf("%+.4f [%+.4f, %+.4f]", *c.Difference, *c.Low, *c.High)
}

// failures are the conditions that cells meet, a line each.
func (d *difference) failures() []string {
	var lines []string
	for _, c := range d.Conditions {
		var cells []string
		for _, cell := range c.Cells {
			cells = append(cells, fmt.Sprintf("%s %s", cell.Row, interval(cell)))
		}
		if c.Failed {
			lines = append(lines, fmt.Sprintf("%s -> %s: %s: %s", d.Before, d.After, c.FailOn, strings.Join(cells, "; ")))
		}
	}
	return lines
}
