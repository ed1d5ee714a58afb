package tables

import (
	"cmp"
	"math"
	"slices"

	"upi/results"
	"upi/stats"
)

// A group is the perturbations, over seeds and draws, that share a row of a table: one method, budget, source, target and
// explanation.
type group struct {
	// cell holds what they share.
	cell    results.Cell
	members []*Scored
	// scores are those of each member on the target, whose test split has so many images.
	scores []Scores
	images int64
	// ids is what imageIDs has found.
	ids []int64
	// lost is how many of the tasks that score the members have failed, and incomplete how many members lack some.
	lost, incomplete int
}

// groupsOf gathers the groups in the order of the perturbations and their targets: those that are scored through their own explanation.
func groupsOf(all []*Scored) []*group { return gather(all, false) }

// gather gathers the groups that are scored through their own explanation or, if cross is set, through another.
func gather(all []*Scored, cross bool) []*group {
	type rowKey struct {
		method, source, target, explanation, fittedFor, norm string
		eps                                                  float64
	}
	known := map[rowKey]*group{}
	var ordered []*group
	for _, s := range all {
		p := &s.Perturbation
		for i, t := range p.Targets {
			if (t.Explanation != "") != cross {
				continue
			}
			key := rowKey{p.Method, p.Source, t.Model, p.ScoredExplanation(t), p.Explanation, p.Norm, p.Eps}
			g := known[key]
			if g == nil {
				g = &group{images: t.Images, cell: results.Cell{
					Method: p.Method, Kind: p.Kind, Role: p.Role, Source: p.Source, Target: t.Model, Diagonal: p.IsSource(t.Model),
					Explanation: p.ScoredExplanation(t), FittedFor: p.Explanation, Norm: p.Norm, Eps: p.Eps,
				}}
				known[key] = g
				ordered = append(ordered, g)
			}
			g.members = append(g.members, s)
			g.scores = append(g.scores, s.Scores[i])
			if i < len(s.Lost) && s.Lost[i] > 0 {
				g.lost += s.Lost[i]
				g.incomplete++
			}
		}
	}
	return ordered
}

// A measured is one metric of a group: a value per image, averaged over the perturbations, and the mean of each perturbation.
type measured struct {
	images []stats.Observation
	seeds  stats.Summary
}

// imageIDs are the ids of the images that some member is scored on, ascending. Members that are scored on the same images, as most
// are, share the list of the first.
func (g *group) imageIDs() []int64 {
	if g.ids != nil {
		return g.ids
	}
	same := true
	for _, scores := range g.scores {
		if g.ids == nil {
			g.ids = scores.IDs
		}
		same = same && (len(scores.IDs) == 0 || slices.Equal(scores.IDs, g.ids))
	}
	if !same || !ascending(g.ids) {
		var all []int64
		for _, scores := range g.scores {
			all = append(all, scores.IDs...)
		}
		slices.Sort(all)
		g.ids = slices.Compact(all)
	}
	return g.ids
}

func ascending(ids []int64) bool {
	for i := 1; i < len(ids); i++ {
		if ids[i] <= ids[i-1] {
			return false
		}
	}
	return true
}

// at returns the position in ids of the image that is number i of a member's.
func at(ids []int64, i int, id int64) int {
	if i < len(ids) && ids[i] == id {
		return i
	}
	k, _ := slices.BinarySearch(ids, id)
	return k
}

// measure gathers a metric by its number. An image counts where the metric is defined under some perturbation of the group.
func (g *group) measure(metric int) measured {
	ids := g.imageIDs()
	sums, counts := make([]float64, len(ids)), make([]int32, len(ids))
	var m measured
	for _, scores := range g.scores {
		var own stats.Summary
		if len(scores.IDs) > 0 {
			for i, value := range scores.Values[metric] {
				if math.IsNaN(value) {
					continue
				}
				own.Add(value)
				k := at(ids, i, scores.IDs[i])
				sums[k] += value
				counts[k]++
			}
		}
		if own.N > 0 {
			m.seeds.Add(own.Mean)
		}
	}
	for k, n := range counts {
		if n > 0 {
			m.images = append(m.images, stats.Observation{ID: ids[k], Value: sums[k] / float64(n)})
		}
	}
	return m
}

// A matchKey is what a group shares with those that it is compared to.
type matchKey struct {
	source, target, explanation, norm string
	eps                               float64
}

// matchedOn returns the key of the groups of a source that g is compared to.
func (g *group) matchedOn(source string) matchKey {
	return matchKey{source, g.cell.Target, g.cell.Explanation, g.cell.Norm, g.cell.Eps}
}

// A reference holds the groups of one attack that others are compared to.
type reference map[matchKey]*group

// add makes g the one to compare to, unless an earlier group with its key is.
func (r reference) add(g *group) {
	if key := g.matchedOn(g.cell.Source); r[key] == nil {
		r[key] = g
	}
}

// beside returns the group that g is compared to, nil where there is none: that of the same sources or, beside several sources, that
// of the target alone.
func (r reference) beside(g *group) *group {
	return cmp.Or(r[g.matchedOn(g.cell.Source)], r[g.matchedOn(g.cell.Target)])
}

// compare writes to cell the difference of one measured to another, and returns how many images both have.
func compare(cell *results.Cell, own, other measured, settings Settings) (int, error) {
	pairs, err := stats.Pair(own.images, other.images)
	if err != nil {
		return 0, err
	}
	interval, err := stats.Bootstrap{Resamples: settings.Resamples, Seed: settings.Seed}.Mean(pairs.Values)
	if err != nil {
		return 0, err
	}
	if len(pairs.Values) > 0 {
		cell.Difference = stats.Defined(stats.Of(pairs.Values...).Mean)
		cell.Low, cell.High = stats.Defined(interval.Low), stats.Defined(interval.High)
	}
	return len(pairs.Values), nil
}
