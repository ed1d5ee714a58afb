package report

import (
	"fmt"
	"slices"
	"strings"

	"upi/results"
)

// A layout says how the records of a table are shown.
type layout struct {
	title string
	// arrange returns the sections, and how to read them.
	arrange func(r records) ([]section, []string)
}

// layouts of the tables that have one of their own.
var layouts = map[string]layout{
	results.SummaryTable:      {"Perturbations on the models that they were fitted on", summarySections},
	results.TransferTable:     {"Transfer: fitted on one model, scored on others", transferSections},
	results.CrossTable:        {"Fitted for one explanation, scored through others", crossSections},
	results.ExplanationsTable: {"Differences between explanations over the same images", explanationSections},
	results.SignTable:         {"+delta and -delta on the fit split", signSections},
}

// layoutOf returns the layout of a table; one that is not known is a list of its means.
func layoutOf(table string) layout {
	if l, ok := layouts[table]; ok {
		return l
	}
	if baseline, ok := strings.CutPrefix(table, results.AgainstTable); ok {
		return layout{"Differences to " + baseline + " over the same images", againstSections(baseline)}
	}
	return layout{title: table, arrange: plainSections}
}

// newGrid lays out a table.
func newGrid(r records, notes []string) grid {
	l := layoutOf(r.Table)
	g := grid{Name: r.Table, Title: l.title, Notes: notes}
	g.Sections, g.Legend = l.arrange(r)
	g.Legend = append(g.Legend, r.Warnings...)
	if len(g.Sections) == 0 {
		g.Notes = slices.Concat([]string{"The table has no rows."}, notes)
	}
	return g
}

const (
	meanLegend    = "Each number is the mean over the images ± its standard error; (in parentheses) the standard deviation over seeds and draws."
	ownLegend     = "An attack whose objective is another is compared with random in the metric of that, which is named."
	missingLegend = missingText + ": the run was asked for this number and has none."
)

func summarySections(r records) ([]section, []string) {
	legend := []string{
		meanLegend,
		"Left out are the images of the test split that are not in the mean: classified wrong, without a map, without the metric, or of a task that has failed.",
		missingLegend,
	}
	values := means(r)
	if len(r.Metrics) > 0 {
		legend = slices.Insert(legend, 1, fmt.Sprintf("Against random: the difference of %s to the random perturbation of the same norm and eps "+
			"over the same images, with its paired bootstrap 95 %% interval; "+noText+" where there is none to compare to.", printable(r.Labels.of(r.Metrics[0]))))
		values = slices.Insert(values, 1, againstRandom(r))
		if len(r.own) > 0 {
			legend = slices.Insert(legend, 2, ownLegend)
		}
	}
	return listSections(r, values), legend
}

func signSections(r records) ([]section, []string) {
	return listSections(r, means(r)), []string{
		meanLegend,
		"fit_plus and fit_minus are the normalised L2 of +delta and -delta on images of the fit split of the models that it was fitted on, fit_difference " +
			"that of the first less that of the second.",
		missingLegend,
	}
}

func crossSections(r records) ([]section, []string) {
	values := means(r)
	return listSections(r, values), []string{
		meanLegend,
		"The heading names the explanation that is scored, a row the one that the perturbation was fitted for.",
		missingLegend,
	}
}

func explanationSections(r records) ([]section, []string) {
	return listSections(r, differences(r)), []string{
		"Each number is the mean over the images of a metric of the explanation in the heading, less that of the explanation in the row, each under the " +
			"perturbation that was fitted for it, with its paired bootstrap 95 % interval.",
		missingLegend,
	}
}

func plainSections(r records) ([]section, []string) {
	return listSections(r, means(r)), []string{meanLegend}
}

// againstSections lists the differences to one attack.
func againstSections(baseline string) func(r records) ([]section, []string) {
	return func(r records) ([]section, []string) {
		return listSections(r, differences(r)), []string{
			"Each number is the mean difference of a metric to that of " + printable(baseline) + " of the same norm and eps, over the images that both have, " +
				"with its paired bootstrap 95 % interval; above 0 the method named in the row has the larger value. A perturbation of several models " +
				"is compared with that of the target alone where there is none of the same models.",
			missingLegend,
		}
	}
}
