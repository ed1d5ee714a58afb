package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"

	"upi/results"
)

// models are the rows of the table of models, and warnings about it.
type models struct {
	Rows     []results.Model
	Warnings []string
	Labels   labels
}

// grid lays out the table: a section for each split.
func (m models) grid() grid {
	g := grid{Name: results.ModelsTable, Title: "Models on clean images", Legend: []string{
		"Right: how many images have the label that the model answers. Accuracy: their share ± its standard error. Chance: what one answer to all images " +
			"gets (the share of the commonest label), and 1 / the number of classes.",
		"0 or 1: images whose probability of the explained class is exactly that in float32. No map: images whose explanation is zero; not finite: infinite or not a number.",
	}}
	missing := slices.ContainsFunc(m.Rows, func(r results.Model) bool { return r.Missing > 0 })
	if missing {
		g.Legend = append(g.Legend, "Missing: images of tasks that have failed; they are in no other column.")
	}
	columns := []column{{Name: "model", Key: true}, {Name: "explanation", Key: true}, {Name: "images", Right: true}, {Name: "right", Right: true},
		{Name: "accuracy", Right: true}, {Name: "chance", Right: true}, {Name: "1 / classes", Right: true}, {Name: "0 or 1", Right: true},
		{Name: "no map", Right: true}, {Name: "not finite", Right: true}}
	if missing {
		columns = append(columns, column{Name: "missing", Right: true})
	}
	for _, split := range m.splits() {
		s := section{Heading: printable(split) + " split", Columns: columns}
		for _, r := range m.Rows {
			if r.Split != split {
				continue
			}
			row := []entry{newEntry(m.Labels.of(r.Model)), newEntry(m.Labels.of(r.Explanation)), count(r.Images), count(r.Right), accuracyEntry(r), shareEntry(r.Commonest),
				shareEntry(&r.Uniform), count(r.Saturated), count(r.NoMap), count(r.NotFinite)}
			if missing {
				row = append(row, count(r.Missing))
			}
			s.Rows = append(s.Rows, row)
		}
		g.Sections = append(g.Sections, s)
	}
	g.Legend = append(g.Legend, m.Warnings...)
	return g
}

// terminalGrid is the table for a narrow page: of the counts of what is amiss only those stand there that are not 0, ahead of the rest.
func (m models) terminalGrid() grid {
	g := m.grid()
	g.Legend = append([]string{"Chance: the share of the commonest label. Columns of zeros are left out."}, m.Warnings...)
	for k, s := range g.Sections {
		var amiss, rest []int
		for i, c := range s.Columns {
			switch {
			case c.Name == "1 / classes":
			case !slices.Contains([]string{"0 or 1", "no map", "not finite", "missing"}, c.Name):
				rest = append(rest, i)
			case slices.ContainsFunc(s.Rows, func(row []entry) bool { return row[i].Text != "0" }):
				amiss = append(amiss, i)
			}
		}
		accuracy := slices.IndexFunc(s.Columns, func(c column) bool { return c.Name == "accuracy" })
		at := slices.Index(rest, accuracy) + 1
		g.Sections[k] = s.only(slices.Insert(rest, at, amiss...))
	}
	return g
}

func (m models) splits() []string {
	var names []string
	for _, r := range m.Rows {
		names = append(names, r.Split)
	}
	return distinct(names)
}

func count(n int64) entry { return entry{Text: strconv.FormatInt(n, 10)} }

// accuracyEntry is "97.3 % ± 0.9".
func accuracyEntry(r results.Model) entry {
	if r.Accuracy == nil {
		return missingEntry
	}
	e := shareEntry(r.Accuracy)
	if r.StdError != nil {
		e.Text += fmt.Sprintf(" ± %.1f", 100**r.StdError)
	}
	return e
}

func shareEntry(share *float64) entry {
	if share == nil {
		return missingEntry
	}
	return entry{Text: fmt.Sprintf("%.1f %%", 100**share)}
}

// writeCSV writes one line per row with all digits of its numbers.
func (m models) writeCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	lines := [][]string{{"model", "split", "explanation", "classes", "images", "missing", "right", "accuracy", "std_error", "chance_commonest", "chance_uniform",
		"saturated", "no_map", "not_finite"}}
	for _, r := range m.Rows {
		line := []string{r.Model, r.Split, r.Explanation}
		for _, n := range []int64{r.Classes, r.Images, r.Missing, r.Right} {
			line = append(line, strconv.FormatInt(n, 10))
		}
		line = append(line, digits(r.Accuracy), digits(r.StdError), digits(r.Commonest), digits(&r.Uniform))
		for _, n := range []int64{r.Saturated, r.NoMap, r.NotFinite} {
			line = append(line, strconv.FormatInt(n, 10))
		}
		lines = append(lines, line)
	}
	if err := c.WriteAll(lines); err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	return nil
}
