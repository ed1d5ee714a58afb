package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"upi/results"
)

// sourceJoin joins the names of several source models.
const sourceJoin = "+"

// randomKind is the baseline that the other methods are compared to.
const randomKind = "random"

// kindOrder is the order of the rows: baselines, then the methods, then the upper reference. Other kinds follow.
var kindOrder = []string{"none", randomKind, "sgd_uap", "upi_pca", "upi_plus", "upi_grad", "per_image"}

// A place is where a record stands: what was scored, on what.
type place struct {
	Source, Target, Explanation, Kind, Method, Norm string
	Eps                                             float64
}

// diagonal says whether the target is one of the sources, or all of them.
func (p place) diagonal() bool {
	return p.Source == p.Target || slices.Contains(strings.Split(p.Source, sourceJoin), p.Target)
}

// budgeted is the place without the method: a perturbation is compared to the random one that shares it.
func (p place) budgeted() place {
	p.Kind, p.Method = "", ""
	return p
}

// A record is all numbers of one place, by metric. It is empty where the run owes the numbers and has none.
type record struct {
	place
	Diagonal bool
	Cells    map[string]results.Cell
}

// records are the places of a table in the order in which people read them, and the table's metrics.
type records struct {
	Table   string
	Metrics []string
	Rows    []record
}

// newRecords gathers the cells of a table by place and adds the places that the run owes beside them: those of the settings
// or, without settings, every method on every pair of models that the table has.
func newRecords(table string, cells []results.Cell, s *settings) records {
	r := records{Table: table}
	shown := layoutOf(table)
	metrics := slices.Clone(shown.metrics)
	var sources, targets, explanations, methods []string
	if s != nil {
		if len(metrics) == 0 {
			metrics = append(metrics, s.Evaluation.Metrics...)
		}
		for _, m := range s.Models {
			sources = append(sources, m.Name)
		}
		for _, e := range s.Explanations {
			explanations = append(explanations, e.Name)
		}
		for _, a := range s.Attacks {
			methods = append(methods, a.Name)
		}
		targets = slices.Clone(sources)
	}
	kinds := map[string]string{}
	at := map[place]int{}
	add := func(p place, diagonal bool) int {
		if kind, known := kinds[p.Method]; known {
			p.Kind = kind
		}
		kinds[p.Method] = p.Kind
		i, there := at[p]
		if !there {
			i = len(r.Rows)
			at[p] = i
			r.Rows = append(r.Rows, record{place: p, Diagonal: diagonal, Cells: map[string]results.Cell{}})
			sources, targets = append(sources, p.Source), append(targets, p.Target)
			explanations, methods = append(explanations, p.Explanation), append(methods, p.Method)
		}
		return i
	}
	has := map[string]bool{}
	for _, c := range cells {
		i := add(place{c.Source, c.Target, c.Explanation, c.Kind, c.Method, c.Norm, c.Eps}, c.Diagonal)
		r.Rows[i].Cells[c.Metric] = c
		metrics = append(metrics, c.Metric)
		has[c.Metric] = true
	}
	known := s != nil && shown.owed != nil
	var owed []place
	if known {
		owed = shown.owed(s)
	} else {
		owed = implied(r.Rows)
	}
	for _, p := range owed {
		add(p, p.diagonal())
	}
	r.Metrics = distinct(metrics)
	if len(cells) > 0 && !known {
		r.Metrics = slices.DeleteFunc(r.Metrics, func(m string) bool { return !has[m] })
	}
	source, target, explanation, method := rank(sources), rank(targets), rank(explanations), rank(methods)
	slices.SortStableFunc(r.Rows, func(a, b record) int {
		return cmp.Or(
			cmp.Compare(target[a.Target], target[b.Target]),
			cmp.Compare(explanation[a.Explanation], explanation[b.Explanation]),
			cmp.Compare(kindRank(a.Kind), kindRank(b.Kind)),
			cmp.Compare(method[a.Method], method[b.Method]),
			cmp.Compare(source[a.Source], source[b.Source]),
			cmp.Compare(a.Norm, b.Norm),
			cmp.Compare(a.Eps, b.Eps),
		)
	})
	return r
}

// implied lists every method of the rows on every pair of models and explanation that some row has. Perturbations of several
// sources are kept apart from those of one.
func implied(rows []record) []place {
	type subject struct{ source, target, explanation string }
	type method struct {
		kind, name, norm string
		eps              float64
		joint            bool
	}
	subjects, methods := map[subject]bool{}, map[method]bool{}
	for _, r := range rows {
		subjects[subject{r.Source, r.Target, r.Explanation}] = true
		methods[method{r.Kind, r.Method, r.Norm, r.Eps, strings.Contains(r.Source, sourceJoin)}] = true
	}
	var places []place
	for s := range maps.Keys(subjects) {
		for m := range maps.Keys(methods) {
			if m.joint != strings.Contains(s.source, sourceJoin) {
				continue
			}
			if p := (place{s.source, s.target, s.explanation, m.kind, m.name, m.norm, m.eps}); m.kind != "per_image" || p.diagonal() {
				places = append(places, p)
			}
		}
	}
	return places
}

func kindRank(kind string) int {
	if i := slices.Index(kindOrder, kind); i >= 0 {
		return i
	}
	return len(kindOrder)
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
