package report

import (
	"slices"
	"strconv"

	"upi/results"
)

// A value is a column of numbers in a list: images is the number of images that the row says.
type value struct {
	name  string
	entry func(row record, images int64) entry
}

// means are the means of all metrics.
func means(r records) []value {
	var values []value
	for _, m := range r.Metrics {
		values = append(values, value{r.Labels.of(m), func(row record, images int64) entry {
			c, known := row.Cells[m]
			return meanEntry(c, known, images)
		}})
	}
	return values
}

// differences are those of all metrics to an attack that every row can be compared to.
func differences(r records) []value {
	var values []value
	for _, m := range r.Metrics {
		values = append(values, value{r.Labels.of(m), func(row record, images int64) entry { return differenceEntry(row.Cells[m], images, true) }})
	}
	return values
}

// againstRandom is the difference to random of the metric that an attack is after, where there is one of the same sources or, beside
// several sources, of the target alone. It is named where it is not the first metric.
func againstRandom(r records) value {
	random := map[rowKey]bool{}
	for _, row := range r.Rows {
		if row.Role == results.RoleRandom {
			random[row.unnamed()] = true
		}
	}
	return value{"against random [95 %]", func(row record, _ int64) entry {
		name := r.metricOf(row)
		c, same := row.Cells[name], row.unnamed()
		alone := same
		alone.Source = row.Target
		e := differenceEntry(c, c.Images, row.Role != results.RoleRandom && (random[same] || random[alone]))
		if name != r.Metrics[0] && c.Difference != nil {
			e.Text += " of " + printable(r.Labels.of(name))
		}
		return e
	}}
}

// listSections has one section for each target and explanation, one row for each method and eps.
func listSections(r records, values []value) []section {
	joint := slices.ContainsFunc(r.Rows, func(r record) bool { return r.Source != r.Target })
	columns := []column{{Name: "method", Key: true}}
	if joint {
		columns = append(columns, column{Name: "fitted on", Key: true})
	}
	fitted := slices.ContainsFunc(r.Rows, func(r record) bool { return r.FittedFor != "" })
	if fitted {
		columns = append(columns, column{Name: "fitted for", Key: true})
	}
	other := slices.ContainsFunc(r.Rows, func(r record) bool { return r.Other != "" })
	if other {
		columns = append(columns, column{Name: "less that of", Key: true})
	}
	columns = append(columns, column{Name: "norm", Key: true}, column{Name: "eps", Key: true, Right: true})
	for _, v := range values {
		columns = append(columns, column{Name: printable(v.name), Right: true})
	}
	columns = append(columns, column{Name: "images", Right: true}, column{Name: "left out", Right: true})
	var sections []section
	for i, row := range r.Rows {
		if i == 0 || row.Target != r.Rows[i-1].Target || row.Explanation != r.Rows[i-1].Explanation {
			sections = append(sections, section{Heading: printable(r.Labels.of(row.Target) + ", " + r.Labels.of(row.Explanation)), Columns: columns})
		}
		entries := []entry{newEntry(r.Labels.of(row.Method))}
		if joint {
			entries = append(entries, newEntry(r.Labels.of(row.Source)))
		}
		if fitted {
			entries = append(entries, newEntry(r.Labels.of(row.FittedFor)))
		}
		if other {
			entries = append(entries, newEntry(r.Labels.of(row.Other)))
		}
		entries = append(entries, newEntry(row.Norm), entry{Text: budget(row.Eps)})
		images, counts := row.counts(r.Metrics)
		for _, v := range values {
			entries = append(entries, v.entry(row, images))
		}
		last := &sections[len(sections)-1]
		last.Rows = append(last.Rows, append(entries, counts...))
	}
	return sections
}

// sizes are the numbers of images that the first metric of a record has, and of those left out.
func (r record) sizes(metrics []string) (images, leftOut int64) {
	for _, m := range metrics {
		if c, known := r.Cells[m]; known {
			return c.Images, c.LeftOut
		}
	}
	return 0, 0
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
