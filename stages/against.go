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
	ordered := groups(all)
	tables := map[string][]results.Cell{}
	for _, baseline := range ordered {
		if !slices.Contains(baselines, baseline.cell.Kind) || !baseline.cell.Diagonal {
			continue
		}
		name := results.AgainstTable + baseline.cell.Method
		for _, g := range ordered {
			if g == baseline || g.place(g.cell.Source) != baseline.place(baseline.cell.Source) {
				continue
			}
			for m := range spec.Metrics {
				cell, own := g.cell, g.measure(m)
				n, err := compare(&cell, own, baseline.measure(m), spec)
				if err != nil {
					return nil, fmt.Errorf("compare %s with %s on %s: %w", g.cell.Method, baseline.cell.Method, g.cell.Target, err)
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
