package report

import (
	"cmp"
	"slices"

	"upi/results"
)

// A rowKey tells the rows of a table apart: what was scored, on what.
type rowKey struct {
	Source, Target, Explanation, Method, Norm string
	Eps                                       float64
}

// unnamed is the key without the method: a perturbation is compared to the random one that shares it.
func (k rowKey) unnamed() rowKey {
	k.Method = ""
	return k
}

// A record is all numbers of one row, by metric.
type record struct {
	rowKey
	Kind     string
	Role     results.Role
	Diagonal bool
	Cells    map[string]results.Cell
	// FittedFor is set in the CrossTable, and Other in the ExplanationsTable.
	FittedFor, Other string
}

// records are the rows of a table in the order in which people read them, its metrics, and warnings about it.
type records struct {
	Table    string
	Metrics  []string
	Rows     []record
	Warnings []string
	// Labels are those of the run.
	Labels labels
	// own are the metrics that tell the success of attacks which are after something else than the first metric, by the attacks' names.
	own map[string]string
}

// metricOf is the metric that tells the success of a row's attack: the first, unless it is after something else.
func (r records) metricOf(row record) string {
	if name, other := r.own[row.Method]; other && slices.Contains(r.Metrics, name) {
		return name
	}
	return r.Metrics[0]
}

// newRecords gathers the cells of a table by row. Rows are ordered by target and explanation, then by what the attack is, and where
// that is the same by the order of their appearance.
func newRecords(table string, cells []results.Cell) records {
	r := records{Table: table}
	var metrics, sources, targets, explanations, methods []string
	type place struct {
		rowKey
		fittedFor, other string
	}
	at := map[place]int{}
	for _, c := range cells {
		if table != results.CrossTable {
			c.FittedFor = ""
		}
		key := rowKey{c.Source, c.Target, c.Explanation, c.Method, c.Norm, c.Eps}
		here := place{key, c.FittedFor, c.Other}
		i, there := at[here]
		if !there {
			i = len(r.Rows)
			at[here] = i
			r.Rows = append(r.Rows, record{rowKey: key, Kind: c.Kind, Role: c.Role, Diagonal: c.Diagonal, Cells: map[string]results.Cell{},
				FittedFor: c.FittedFor, Other: c.Other})
		}
		r.Rows[i].Cells[c.Metric] = c
		metrics, sources, targets = append(metrics, c.Metric), append(sources, c.Source), append(targets, c.Target)
		explanations, methods = append(explanations, c.Explanation), append(methods, c.Method)
	}
	r.Metrics = distinct(metrics)
	source, target, explanation, method := rank(sources), rank(targets), rank(explanations), rank(methods)
	slices.SortStableFunc(r.Rows, func(a, b record) int {
		return cmp.Or(
			cmp.Compare(target[a.Target], target[b.Target]),
			cmp.Compare(explanation[a.Explanation], explanation[b.Explanation]),
			cmp.Compare(roleRank(a.Role), roleRank(b.Role)),
			cmp.Compare(method[a.Method], method[b.Method]),
			cmp.Compare(source[a.Source], source[b.Source]),
			cmp.Compare(a.Norm, b.Norm),
			cmp.Compare(a.Eps, b.Eps),
		)
	})
	return r
}

// roleRank is the number of a role in the order of the rows; a role that is not known comes last.
func roleRank(role results.Role) int {
	if i := slices.Index(results.Roles, role); i >= 0 {
		return i
	}
	return len(results.Roles)
}

// rank numbers names in the order of their first appearance.
func rank(names []string) map[string]int {
	numbers := map[string]int{}
	for _, name := range names {
		if _, there := numbers[name]; !there {
			numbers[name] = len(numbers)
		}
	}
	return numbers
}

// distinct drops all but the first appearance of each name.
func distinct(names []string) []string {
	numbers := rank(names)
	list := make([]string, len(numbers))
	for name, i := range numbers {
		list[i] = name
	}
	return list
}
