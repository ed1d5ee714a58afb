package report

import (
	"fmt"
	"slices"

	"upi/results"
)

// A matrix holds one metric of the perturbations of one norm and eps, for one explanation, among the models of one data set.
type matrix struct {
	Metric, Explanation, Norm string
	Eps                       float64
	Targets                   []string
	Rows                      []matrixRow
	Labels                    labels
}

// A matrixRow is one perturbation on each target of its matrix.
type matrixRow struct {
	Method, Source string
	Values         []matrixValue
}

// A matrixValue is the cell of a target. Owed says that the run was asked for it, and Known that it is there.
type matrixValue struct {
	Cell                  results.Cell
	Diagonal, Owed, Known bool
}

// newMatrices arranges records of a transfer table, ordered by explanation, metric, norm and eps.
func newMatrices(r records) []matrix {
	var matrices []matrix
	for _, family := range families(r.Rows) {
		for _, rows := range groups(r.Rows, family) {
			for _, metric := range r.Metrics {
				m := matrix{Metric: metric, Explanation: rows[0].Explanation, Norm: rows[0].Norm, Eps: rows[0].Eps, Targets: family,
					Labels: r.Labels}
				for _, row := range rows {
					m.put(row)
				}
				matrices = append(matrices, m)
			}
		}
	}
	return matrices
}

func (m *matrix) put(r record) {
	i := slices.IndexFunc(m.Rows, func(row matrixRow) bool { return row.Method == r.Method && row.Source == r.Source })
	if i < 0 {
		i = len(m.Rows)
		m.Rows = append(m.Rows, matrixRow{Method: r.Method, Source: r.Source, Values: make([]matrixValue, len(m.Targets))})
	}
	c, known := r.Cells[m.Metric]
	m.Rows[i].Values[slices.Index(m.Targets, r.Target)] = matrixValue{c, r.Diagonal, true, known && c.Mean != nil}
}

// families splits the targets into groups of models that perturbations are passed between: those of one source are in one family.
func families(rows []record) [][]string {
	var all [][]string
	passed := map[string][]string{}
	for _, r := range rows {
		passed[r.Source] = append(passed[r.Source], r.Target)
		joined := []string{}
		rest := all[:0:0]
		for _, family := range all {
			if slices.ContainsFunc(passed[r.Source], func(target string) bool { return slices.Contains(family, target) }) {
				joined = append(joined, family...)
			} else {
				rest = append(rest, family)
			}
		}
		if !slices.Contains(joined, r.Target) {
			joined = append(joined, r.Target)
		}
		all = append(rest, joined)
	}
	return all
}

// groups collects the records of a family by explanation, norm and eps, in the order of the records' targets and methods.
func groups(rows []record, family []string) [][]record {
	type key struct {
		explanation, norm string
		eps               float64
	}
	var keys []key
	members := map[key][]record{}
	for _, r := range rows {
		if !slices.Contains(family, r.Target) {
			continue
		}
		k := key{r.Explanation, r.Norm, r.Eps}
		if _, there := members[k]; !there {
			keys = append(keys, k)
		}
		members[k] = append(members[k], r)
	}
	var all [][]record
	for _, k := range keys {
		all = append(all, members[k])
	}
	return all
}

func transferSections(r records) ([]section, []string) {
	var sections []section
	for _, m := range newMatrices(r) {
		s := section{Heading: printable(m.title()), Columns: []column{{Name: "method", Key: true}, {Name: "fitted on", Key: true}}}
		for _, target := range m.Targets {
			s.Columns = append(s.Columns, column{Name: printable("on " + r.Labels.of(target)), Right: true})
		}
		for _, row := range m.Rows {
			entries := []entry{newEntry(r.Labels.of(row.Method)), newEntry(r.Labels.of(row.Source))}
			for _, v := range row.Values {
				e := entry{Text: noText}
				if v.Owed {
					e = meanEntry(v.Cell, v.Known, v.Cell.Images)
				}
				e.Strong = v.Diagonal
				entries = append(entries, e)
			}
			s.Rows = append(s.Rows, entries)
		}
		sections = append(sections, s)
	}
	return sections, []string{
		meanLegend,
		"Marked is the diagonal: the perturbation was fitted on the model that it is scored on. transfer.csv has the numbers of images and the differences to random.",
		missingText + ": the run was asked for this number and has none. " + noText + ": it was not asked for.",
	}
}

// title reads "normalized_l2, sg, l2 510".
func (m matrix) title() string {
	return fmt.Sprintf("%s, %s, %s %s", m.Labels.of(m.Metric), m.Labels.of(m.Explanation), m.Norm, budget(m.Eps))
}
