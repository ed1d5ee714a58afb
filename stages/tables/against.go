package tables

import (
	"fmt"

	"upi/results"
)

// against returns the tables that compare the other methods with each baseline and upper reference on their own sources, by the
// tables' names. The differences to random stand in the summary.
func against(settings Settings, groups []*group) (map[string][]results.Cell, error) {
	attacks := map[string]reference{}
	for _, g := range groups {
		if !g.cell.Diagonal || !g.comparedTo() {
			continue
		}
		name := results.AgainstTable + g.cell.Method
		if attacks[name] == nil {
			attacks[name] = reference{}
		}
		attacks[name].add(g)
	}
	tables := map[string][]results.Cell{}
	for name, attack := range attacks {
		for _, g := range groups {
			other := attack.beside(g)
			if !g.cell.Diagonal || other == nil || other.cell.Method == g.cell.Method {
				continue
			}
			for m := range settings.Metrics {
				cell, own := g.cell, g.measure(m)
				n, err := compare(&cell, own, other.measure(m), settings)
				if err != nil {
					return nil, fmt.Errorf("compare %s with %s on %s: %w", g.cell.Method, other.cell.Method, g.cell.Target, err)
				}
				cell.Metric = settings.Metrics[m]
				cell.Images, cell.LeftOut = int64(n), g.images-int64(n)
				cell.Perturbations = int64(own.seeds.N)
				tables[name] = append(tables[name], cell)
			}
		}
	}
	return tables, nil
}

// comparedTo says whether there is a table of the differences to the group's attack.
func (g *group) comparedTo() bool {
	return g.cell.Role == results.RoleBaseline || g.cell.Role == results.RoleUpper
}
