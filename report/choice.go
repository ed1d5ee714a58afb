package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"upi/results"
)

// A Choice says which numbers of which table of one or several runs are written, and how.
type Choice struct {
	// Table is the table's name; that of the summary if empty.
	Table string
	// Metrics are the columns, in this order; all of the table if empty.
	Metrics []string
	// By are the keys that rows are ordered and told apart by, before the method: some of Keys. What varies and is named neither here nor
	// in Across is added. Across are keys whose values stand beside each other, with the metrics below each.
	By, Across []string
	// Where keeps the rows with one of these values of a key, and all where a key is not there.
	Where map[string][]string
	// Labels go before those of the runs' configurations.
	Labels map[string]string
	// Difference puts beside each metric its difference to random, with its 95 % interval.
	Difference bool
	// Format is one of Formats.
	Format string
	// Width is how wide a table as text may be.
	Width int
}

// Formats are what a chosen table can be written as.
var Formats = []string{"text", "markdown", "latex", "csv"}

// Keys are what rows of tables can be told apart by.
// fitted_for and other differ in the tables cross and explanations alone.
var Keys = []string{"run", "model", "explanation", "fitted_for", "other", "source", "norm", "eps", "method"}

// A chosen is a row of a run's table with the name of the run.
type chosen struct {
	record
	run string
}

func (c chosen) key(name string) string {
	switch name {
	case "run":
		return c.run
	case "model":
		return c.Target
	case "explanation":
		return c.Explanation
	case "fitted_for":
		return c.FittedFor
	case "other":
		return c.Other
	case "source":
		return c.Source
	case "norm":
		return c.Norm
	case "eps":
		return budget(c.Eps)
	}
	return c.Method
}

// A ChoiceError is a choice of what the runs do not have; it lists what they have.
type ChoiceError struct{ problem string }

func (e *ChoiceError) Error() string { return e.problem }

func choiceError(format string, args ...any) error { return &ChoiceError{fmt.Sprintf(format, args...)} }

// Table writes the chosen part of a table of the runs in dirs. A choice that cannot be met is a [*ChoiceError].
func Table(w io.Writer, dirs []string, c Choice) error {
	c.Table, c.Format, c.Width = cmp.Or(c.Table, results.SummaryTable), cmp.Or(c.Format, "text"), cmp.Or(c.Width, TerminalWidth)
	if err := c.check(); err != nil {
		return err
	}
	rows, metrics, names, err := gather(dirs, c)
	if err != nil {
		return err
	}
	if len(c.Metrics) == 0 {
		c.Metrics = metrics
	}
	for _, m := range c.Metrics {
		if !slices.Contains(metrics, m) {
			return choiceError("the table %s has no metric %q: it has %s", c.Table, m, strings.Join(metrics, ", "))
		}
	}
	all := len(rows)
	rows = slices.DeleteFunc(rows, func(row chosen) bool { return !c.keeps(row) })
	if len(rows) == 0 {
		return choiceError("none of the %d rows of the table %s is as --where says", all, c.Table)
	}
	if c.Format == "csv" {
		names = nil // programs look for the names of the runs
	}
	p, err := newPivot(c, rows, names)
	if err != nil {
		return err
	}
	switch c.Format {
	case "markdown":
		return p.writeMarkdown(w)
	case "latex":
		return p.writeLaTeX(w)
	case "csv":
		return p.writeCSV(w)
	}
	return writeTerminal(w, p.grid(), c.Width, "--metrics, --where and --across choose what is; --format csv has all.")
}

func (c Choice) check() error {
	for _, name := range slices.Concat(c.By, c.Across, slices.Sorted(maps.Keys(c.Where))) {
		if !slices.Contains(Keys, name) {
			return choiceError("rows have no key %q: they have %s", name, strings.Join(Keys, ", "))
		}
	}
	for _, name := range c.By {
		if slices.Contains(c.Across, name) {
			return choiceError("the key %s is to tell rows apart and columns too: name it once", name)
		}
	}
	if !slices.Contains(Formats, c.Format) {
		return choiceError("format %q is unknown: take one of %s", c.Format, strings.Join(Formats, ", "))
	}
	return nil
}

func (c Choice) keeps(row chosen) bool {
	for key, values := range c.Where {
		if !slices.Contains(values, row.key(key)) {
			return false
		}
	}
	return true
}

// gather reads the rows of all runs, the metrics that some of them has, and the labels.
func gather(dirs []string, c Choice) (rows []chosen, metrics []string, names labels, err error) {
	names = labels{}
	taken := map[string]bool{}
	for _, dir := range dirs {
		r, err := openRun(dir)
		if err != nil {
			return nil, nil, nil, err
		}
		t, there := r.records(c.Table)
		if !there {
			return nil, nil, nil, choiceError("the run %s has no table %q: it has %s", dir, c.Table, strings.Join(r.tableNames(), ", "))
		}
		// Runs of one name, as archived nights are, are told apart by their directories.
		name := r.name()
		if taken[name] {
			name = filepath.ToSlash(filepath.Clean(dir))
		}
		taken[name] = true
		for _, row := range t.Rows {
			rows = append(rows, chosen{row, name})
		}
		metrics = append(metrics, t.Metrics...)
		for of, label := range r.labels() {
			names[of] = cmp.Or(names[of], label)
		}
	}
	maps.Copy(names, c.Labels)
	return rows, distinct(metrics), names, nil
}

func (r *run) tableNames() []string {
	var names []string
	for _, t := range r.tables {
		names = append(names, t.Table)
	}
	return names
}
