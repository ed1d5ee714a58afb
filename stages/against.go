package stages

import (
	"fmt"
	"slices"

	"upi/results"
)

// baselines are the kinds of attacks that get a table of the differences to them. The differences to random stand in the summary.
var baselines = []string{"sgd_uap", "per_image"}

// against returns the tables that compare the other methods with each baseline, by the tables' names.
func against(spec tablesSpec, all []*scored) (map[string][]results.Cell, error) {
	ordered := slices.DeleteFunc(groups(all), func(g *group) bool { return !g.cell.Diagonal })
	of := map[string]baseline{}
	for _, g := range ordered {
		if !slices.Contains(baselines, g.cell.Kind) {
			continue
		}
		name := results.AgainstTable + g.cell.Method
		if of[name] == nil {
			of[name] = baseline{}
		}
		of[name][g.place(g.cell.Source)] = g
	}
	tables := map[string][]results.Cell{}
	for name, attack := range of {
		for _, g := range ordered {
			other := attack.beside(g)
			if other == nil || other.cell.Method == g.cell.Method {
				continue
			}
			for m := range spec.Metrics {
				cell, own := g.cell, g.measure(m)
				n, err := compare(&cell, own, other.measure(m), spec)
				if err != nil {
					return nil, fmt.Errorf("compare %s with %s on %s: %w", g.cell.Method, other.cell.Method, g.cell.Target, err)
				}
				cell.Metric = spec.Metrics[m]
				cell.Images, cell.LeftOut = int64(n), g.targets[0].images-int64(n)
				cell.Perturbations = int64(own.seeds.N)
				tables[name] = append(tables[name], cell)
			}
		}
	}
	return tables, nil
}
