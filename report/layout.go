package report

import (
	"fmt"
	"slices"
	"strconv"

	"upi/results"
)

// A layout says how the records of a table are shown.
type layout struct {
	title string
	// targets are the models that the run owes numbers on for a perturbation; nil where that is not known.
	targets func(s *settings, a attackSettings, sources []string) []string
	arrange func(r records) ([]section, []string)
}

// layouts of the tables that have one of their own; other tables are lists without a comparison to random.
var layouts = map[string]layout{
	results.SummaryTable:  {"Perturbations on the models that they were fitted on", ownTargets, summarySections},
	results.TransferTable: {"Transfer: fitted on one model, scored on others", transferTargets, transferSections},
	results.SignTable:     {"+delta and -delta on the fit split", nil, plainSections},
}

// newGrid lays out a table.
func newGrid(r records, notes []string) grid {
	l, ok := layouts[r.Table]
	if !ok {
		l = layout{title: r.Table, arrange: plainSections}
	}
	g := grid{Name: r.Table, Title: l.title, Notes: notes}
	g.Sections, g.Legend = l.arrange(r)
	if len(g.Sections) == 0 {
		g.Notes = slices.Concat([]string{"The table has no rows."}, notes)
	}
	return g
}

const meanLegend = "Each number is the mean over the images ± its standard error; (in parentheses) the standard deviation over seeds and draws."

func summarySections(r records) ([]section, []string) {
	legend := []string{
		meanLegend,
		"Left out are the images of the test split that are not in the mean: classified wrong, without a map, or without the metric.",
		missingText + ": the run was asked for this number and has none.",
	}
	if len(r.Metrics) > 0 {
		legend = slices.Insert(legend, 1, fmt.Sprintf("Against random: the difference of %s to the random perturbation of the same norm and eps "+
			"over the same images, with its paired bootstrap 95 %% interval; "+noText+" where there is none to compare to.", printable(r.Metrics[0])))
	}
	return listSections(r, true), legend
}

func plainSections(r records) ([]section, []string) {
	return listSections(r, false), []string{meanLegend}
}

// listSections has one section for each target and explanation, one row for each method and eps.
func listSections(r records, against bool) []section {
	joint := slices.ContainsFunc(r.Rows, func(r record) bool { return r.Source != r.Target })
	columns := []column{{Name: "method"}}
	if joint {
		columns = append(columns, column{Name: "fitted on"})
	}
	columns = append(columns, column{Name: "norm"}, column{Name: "eps", Right: true})
	for i, m := range r.Metrics {
		columns = append(columns, column{Name: printable(m), Right: true})
		if against && i == 0 {
			columns = append(columns, column{Name: "against random [95 %]", Right: true})
		}
	}
	columns = append(columns, column{Name: "images", Right: true}, column{Name: "left out", Right: true})
	random := map[place]bool{}
	for _, row := range r.Rows {
		if row.Kind == randomKind {
			random[row.budgeted()] = true
		}
	}
	var sections []section
	for i, row := range r.Rows {
		if i == 0 || row.Target != r.Rows[i-1].Target || row.Explanation != r.Rows[i-1].Explanation {
			sections = append(sections, section{Heading: printable(row.Target + ", " + row.Explanation), Columns: columns})
		}
		entries := []entry{newEntry(row.Method)}
		if joint {
			entries = append(entries, newEntry(row.Source))
		}
		entries = append(entries, newEntry(row.Norm), entry{Text: budget(row.Eps)})
		images, counts := row.counts(r.Metrics)
		for i, m := range r.Metrics {
			c, known := row.Cells[m]
			entries = append(entries, meanEntry(c, known, images))
			if against && i == 0 {
				entries = append(entries, differenceEntry(c, row, random[row.budgeted()]))
			}
		}
		last := &sections[len(sections)-1]
		last.Rows = append(last.Rows, append(entries, counts...))
	}
	return sections
}

// counts returns the number of images of the first metric that a record has, and the entries for it and for those left out.
func (r record) counts(metrics []string) (int64, []entry) {
	for _, m := range metrics {
		if c, known := r.Cells[m]; known {
			return c.Images, []entry{{Text: strconv.FormatInt(c.Images, 10)}, {Text: strconv.FormatInt(c.LeftOut, 10)}}
		}
	}
	return 0, []entry{missingEntry, missingEntry}
}
