package report

import (
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"

	"upi/results"
)

// Summary writes the run's table of models and its summary table as text of at most width columns, with what was left out and why below
// them. What is wider stands in the files of the run, and in what Table writes.
func Summary(w io.Writer, dir string, width int) error { return SummaryOf(w, dir, dir, width) }

// SummaryOf does what Summary does for a run whose tables lie in dir for a while, and calls it by the name of its own directory.
func SummaryOf(w io.Writer, dir, name string, width int) error {
	r, err := openRun(dir)
	if err != nil {
		return err
	}
	t, ok := r.records(results.SummaryTable)
	if !ok {
		return fmt.Errorf("summarise %s: it has no table %s: %w", dir, results.SummaryTable, fs.ErrNotExist)
	}
	if r.models != nil {
		if err := writeTerminal(w, r.models.terminalGrid(), width, ""); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return fmt.Errorf("summarise %s: %w", dir, err)
		}
	}
	return writeTerminal(w, terminalSummary(t, notesOf(r.manifest)), width, "upi table "+name+" --metrics NAME,... shows those that are named.")
}

// terminalSummary lays out the summary for a narrow page: a method and its budget in a row, what all rows share in the heading.
func terminalSummary(r records, notes []string) grid {
	g := newGrid(r, notes)
	g.Sections = nil
	gap := false
	for _, rows := range r.byTarget() {
		s := terminalSection(r, rows)
		for _, row := range s.Rows {
			gap = gap || slices.ContainsFunc(row, func(e entry) bool { return e.Gap })
		}
		g.Sections = append(g.Sections, s)
	}
	g.Legend = []string{"Means over the images ± their standard errors."}
	if len(r.Metrics) > 0 {
		g.Legend[0] += fmt.Sprintf(" Against random: the difference of %s to random of the same norm and eps over the same images, with its paired 95 %% interval.",
			printable(r.Labels.of(r.Metrics[0])))
	}
	if len(r.own) > 0 {
		g.Legend[0] += " " + ownLegend
	}
	if gap {
		g.Legend = append(g.Legend, missingLegend)
	}
	g.Legend = append(g.Legend, r.Warnings...)
	return g
}

// byTarget parts the rows by target and explanation.
func (r records) byTarget() [][]record {
	var parts [][]record
	for i, row := range r.Rows {
		if i == 0 || row.Target != r.Rows[i-1].Target || row.Explanation != r.Rows[i-1].Explanation {
			parts = append(parts, nil)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], row)
	}
	return parts
}

func terminalSection(r records, rows []record) section {
	first := rows[0]
	s := section{Heading: r.Labels.of(first.Target) + ", " + r.Labels.of(first.Explanation)}
	joint := slices.ContainsFunc(rows, func(r record) bool { return r.Source != r.Target })
	s.Columns = []column{{Name: "method", Key: true}}
	if joint {
		s.Columns = append(s.Columns, column{Name: "fitted on", Key: true})
	}
	s.Columns = append(s.Columns, column{Name: "budget", Key: true})
	var values []value
	if len(r.Metrics) > 0 {
		values = shortMeans(r)
		values = slices.Insert(values, 1, againstRandom(r))
	}
	for _, v := range values {
		s.Columns = append(s.Columns, column{Name: printable(v.name), Right: true})
	}
	images, leftOut, same := shared(r.Metrics, rows)
	if same {
		s.Heading += fmt.Sprintf(", %d images, %d left out", images, leftOut)
	} else {
		s.Columns = slices.Insert(s.Columns, len(s.Columns)-len(values)+min(1, len(values)), column{Name: "images", Right: true})
	}
	s.Heading = printable(s.Heading)
	for _, row := range rows {
		entries := []entry{newEntry(r.Labels.of(row.Method))}
		if joint {
			entries = append(entries, newEntry(r.Labels.of(row.Source)))
		}
		entries = append(entries, newEntry(row.Norm+" "+budget(row.Eps)))
		own, _ := row.sizes(r.Metrics)
		for k, v := range values {
			entries = append(entries, v.entry(row, own))
			if k == 0 && !same {
				entries = append(entries, entry{Text: strconv.FormatInt(own, 10)})
			}
		}
		s.Rows = append(s.Rows, entries)
	}
	return s
}

// shortMeans are the means of all metrics without the standard deviations over seeds.
func shortMeans(r records) []value {
	var values []value
	for _, m := range r.Metrics {
		values = append(values, value{r.Labels.of(m), func(row record, images int64) entry {
			c, known := row.Cells[m]
			c.SeedStdDev = nil
			return meanEntry(c, known, images)
		}})
	}
	return values
}

// shared is the number of images of the first metric, and of those left out, and whether all rows have it.
func shared(metrics []string, rows []record) (images, leftOut int64, same bool) {
	images, leftOut = rows[0].sizes(metrics)
	return images, leftOut, !slices.ContainsFunc(rows, func(r record) bool {
		own, without := r.sizes(metrics)
		return own != images || without != leftOut
	})
}
