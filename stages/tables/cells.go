package tables

import (
	"fmt"
	"maps"

	"upi/results"
	"upi/stats"
)

// makers is the table of the tables: each gives the cells of one or several, by their names.
var makers = []func(Settings, []*group) (map[string][]results.Cell, error){scoreTables, signTable, against, explanations}

// Cells returns the cells of each table of a run, by the tables' names. A cell of which nothing could be computed is there all the
// same, with no images and NULL.
func Cells(settings Settings, all []*Scored) (map[string][]results.Cell, error) {
	groups := groupsOf(all)
	tables := map[string][]results.Cell{}
	for _, maker := range makers {
		made, err := maker(settings, groups)
		if err != nil {
			return nil, err
		}
		maps.Copy(tables, made)
	}
	cross, err := crossTable(settings, groups, gather(all, true))
	if err != nil {
		return nil, err
	}
	maps.Copy(tables, cross)
	return tables, nil
}

// scoreTables returns the summary and, where some perturbation is scored on a model that it was not fitted on, the transfer table.
func scoreTables(settings Settings, groups []*group) (map[string][]results.Cell, error) {
	summary, transfer, err := scoreCells(settings, groups)
	if err != nil {
		return nil, err
	}
	tables := map[string][]results.Cell{results.SummaryTable: summary}
	if len(transfer) > len(summary) {
		tables[results.TransferTable] = transfer
	}
	return tables, nil
}

// scoreCells returns the cells of the summary, where perturbations are scored on their own sources, and of the transfer table, on
// every target.
func scoreCells(settings Settings, groups []*group) (summary, transfer []results.Cell, err error) {
	random := reference{}
	for _, g := range groups {
		// Of several random attacks of a budget the first is compared to.
		if g.cell.Role == results.RoleRandom {
			random.add(g)
		}
	}
	for _, g := range groups {
		for m := range settings.Metrics {
			cell, err := g.summarise(m, random.beside(g), settings)
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

func (g *group) summarise(metric int, random *group, settings Settings) (results.Cell, error) {
	cell, m := g.cell, g.measure(metric)
	var images stats.Summary
	for _, o := range m.images {
		images.Add(o.Value)
	}
	cell.Metric = settings.Metrics[metric]
	cell.Images = int64(len(m.images))
	cell.LeftOut = g.images - cell.Images
	cell.Perturbations = int64(m.seeds.N)
	if images.N > 0 {
		cell.Mean = stats.Defined(images.Mean)
		cell.StdError = stats.Defined(images.StdErr())
		cell.SeedStdDev = stats.Defined(m.seeds.StdDev())
	}
	if random == nil || cell.Role == results.RoleRandom {
		return cell, nil
	}
	_, err := compare(&cell, m, random.measure(metric), settings)
	return cell, err
}
