package stages

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"upi/results"
	"upi/stats"
)

// A group is the perturbations, over seeds and draws, that share a cell's row: one method, budget, source, target and
// explanation.
type group struct {
	cell    results.Cell
	members []*scored
	targets []scoredTarget
}

// groups gathers the groups in the order of the perturbations.
func groups(all []*scored) []*group {
	type key struct {
		method, source, target, explanation, norm string
		eps                                       float64
	}
	known := map[key]*group{}
	var ordered []*group
	for _, s := range all {
		p := s.spec
		for _, t := range s.targets {
			k := key{p.Method, p.Source, t.model, p.Explanation, p.Norm, p.Eps}
			g := known[k]
			if g == nil {
				g = &group{cell: results.Cell{
					Method: p.Method, Kind: p.Kind, Source: p.Source, Target: t.model, Diagonal: s.isSource(t.model),
					Explanation: p.Explanation, Norm: p.Norm, Eps: p.Eps,
				}}
				known[k] = g
				ordered = append(ordered, g)
			}
			g.members = append(g.members, s)
			g.targets = append(g.targets, t)
		}
	}
	return ordered
}

// A measured is one metric of a group: a value per image, averaged over the perturbations, and the mean of each perturbation.
type measured struct {
	images []stats.Observation
	seeds  stats.Summary
}

// measure gathers metric number m.
func (g *group) measure(metric int) measured {
	sums, counts := map[int64]float64{}, map[int64]int{}
	var m measured
	for _, t := range g.targets {
		var own stats.Summary
		for i, value := range t.chosen.values[metric] {
			if math.IsNaN(value) {
				continue
			}
			own.Add(value)
			sums[t.chosen.ids[i]] += value
			counts[t.chosen.ids[i]]++
		}
		if own.N > 0 {
			m.seeds.Add(own.Mean)
		}
	}
	for id, sum := range sums {
		m.images = append(m.images, stats.Observation{ID: id, Value: sum / float64(counts[id])})
	}
	slices.SortFunc(m.images, func(a, b stats.Observation) int { return cmp.Compare(a.ID, b.ID) })
	return m
}

// cells returns the cells of the summary, where perturbations are scored on their own sources, and of the transfer table, on
// every target.
func cells(spec tablesSpec, all []*scored) (summary, transfer []results.Cell, err error) {
	ordered := groups(all)
	random := baseline{}
	for _, g := range ordered {
		// Of several random attacks of a budget the first is compared to.
		if place := g.place(g.cell.Source); g.cell.Kind == "random" && random[place] == nil {
			random[place] = g
		}
	}
	for _, g := range ordered {
		for m := range spec.Metrics {
			cell, err := g.summarise(m, random.beside(g), spec)
			if err != nil {
				return nil, nil, fmt.Errorf("summarise %s on %s: %w", g.cell.Method, g.cell.Target, err)
			}
			transfer = append(transfer, cell)
			if cell.Diagonal {
				summary = append(summary, cell)
			}
		}
	}
	return summary, transfer, nil
}

// A baseline holds the groups of one attack, or kind of attack, by their places.
type baseline map[string]*group

// beside returns the group that g is compared to, nil where there is none: that of the same sources or, beside several sources, that
// of the target alone.
func (b baseline) beside(g *group) *group {
	return cmp.Or(b[g.place(g.cell.Source)], b[g.place(g.cell.Target)])
}

// place names what a group shares with the perturbations of a source that it is compared to.
func (g *group) place(source string) string {
	c := g.cell
	return fmt.Sprintf("%s %s %s %s %g", source, c.Target, c.Explanation, c.Norm, c.Eps)
}

func (g *group) summarise(metric int, random *group, spec tablesSpec) (results.Cell, error) {
	cell, m := g.cell, g.measure(metric)
	var images stats.Summary
	for _, o := range m.images {
		images.Add(o.Value)
	}
	cell.Metric = spec.Metrics[metric]
	cell.Images = int64(len(m.images))
	cell.LeftOut = g.targets[0].images - cell.Images
	cell.Perturbations = int64(m.seeds.N)
	if images.N > 0 {
		cell.Mean = number(images.Mean)
		cell.StdError = number(images.StdErr())
		cell.SeedStdDev = number(m.seeds.StdDev())
	}
	if random == nil || cell.Kind == "random" {
		return cell, nil
	}
	_, err := compare(&cell, m, random.measure(metric), spec)
	return cell, err
}

// compare writes to cell the difference of one measured to another, and returns how many images both have.
func compare(cell *results.Cell, own, other measured, spec tablesSpec) (int, error) {
	pairs, err := stats.Pair(own.images, other.images)
	if err != nil {
		return 0, err
	}
	interval, err := stats.Bootstrap{Resamples: spec.Resamples, Seed: spec.Seed}.Mean(pairs.Values)
	if err != nil {
		return 0, err
	}
	if len(pairs.Values) > 0 {
		cell.Difference = number(stats.Of(pairs.Values...).Mean)
		cell.Low, cell.High = number(interval.Low), number(interval.High)
	}
	return len(pairs.Values), nil
}

// number returns x, or nil for what is not defined.
func number(x float64) *float64 {
	if math.IsNaN(x) {
		return nil
	}
	return &x
}
