package tables

import (
	"fmt"

	"upi/results"
)

// crossTable scores perturbations that were fitted for one explanation through others, beside their own, as the transfer table does with
// models. Its differences are to the random perturbation through the explanation that is scored. There is none where nothing is scored so.
func crossTable(settings Settings, own, cross []*group) (map[string][]results.Cell, error) {
	if len(cross) == 0 {
		return nil, nil
	}
	random := reference{}
	for _, g := range own {
		if g.cell.Role == results.RoleRandom {
			random.add(g)
		}
	}
	var cells []results.Cell
	for _, list := range [][]*group{own, cross} {
		for _, g := range list {
			if !g.cell.Diagonal || g.cell.Role == results.RoleNothing || g.cell.Role == results.RoleRandom {
				continue
			}
			for m := range settings.Metrics {
				cell, err := g.summarise(m, random.beside(g), settings)
				if err != nil {
					return nil, fmt.Errorf("summarise %s, fitted for %s, through %s: %w", g.cell.Method, g.cell.FittedFor, g.cell.Explanation, err)
				}
				cells = append(cells, cell)
			}
		}
	}
	return map[string][]results.Cell{results.CrossTable: cells}, nil
}

// explanations compares each two explanations: how far a method moves the maps of one less how far it moves those of the other, fitted for
// each, on the images that both have. There is none where a run has one explanation.
func explanations(settings Settings, groups []*group) (map[string][]results.Cell, error) {
	type subject struct {
		method, source, target, norm string
		eps                          float64
	}
	earlier := map[subject][]*group{}
	var cells []results.Cell
	for _, g := range groups {
		if !g.cell.Diagonal || g.cell.Role == results.RoleNothing {
			continue
		}
		of := subject{g.cell.Method, g.cell.Source, g.cell.Target, g.cell.Norm, g.cell.Eps}
		for _, other := range earlier[of] {
			for m := range settings.Metrics {
				cell, own := other.cell, other.measure(m)
				n, err := compare(&cell, own, g.measure(m), settings)
				if err != nil {
					return nil, fmt.Errorf("compare %s with %s under %s: %w", other.cell.Explanation, g.cell.Explanation, g.cell.Method, err)
				}
				cell.Other, cell.Metric = g.cell.Explanation, settings.Metrics[m]
				cell.Images, cell.LeftOut, cell.Perturbations = int64(n), other.images-int64(n), int64(own.seeds.N)
				cells = append(cells, cell)
			}
		}
		earlier[of] = append(earlier[of], g)
	}
	if len(cells) == 0 {
		return nil, nil
	}
	return map[string][]results.Cell{results.ExplanationsTable: cells}, nil
}
