package tables

import (
	"upi/results"
	"upi/stats"
)

// signMetrics are the metrics of the table of signs.
var signMetrics = []struct {
	name  string
	value func(SignRow) float64
}{
	{"fit_plus", func(r SignRow) float64 { return r.Plus }},
	{"fit_minus", func(r SignRow) float64 { return r.Minus }},
	{"fit_difference", func(r SignRow) float64 { return r.Plus - r.Minus }},
}

// signCells returns the normalised L2 of the perturbations and of their negatives on fit images of all their sources, and the
// difference of the two: of each image the mean over the perturbations, and of those the mean with its standard error. There is
// a row for each perturbation whose sign is chosen; perturbations of several sources have one for all of them.
func signTable(_ Settings, groups []*group) (map[string][]results.Cell, error) {
	return map[string][]results.Cell{results.SignTable: signCells(groups)}, nil
}

func signCells(groups []*group) []results.Cell {
	var cells []results.Cell
	for _, g := range groups {
		first := g.members[0]
		if first.Rule == SignPlus || g.cell.Target != first.Sources[0] {
			continue
		}
		for _, m := range signMetrics {
			cell := g.cell
			cell.Target, cell.Metric = cell.Source, m.name
			images, seeds := pool(g.members, m.value)
			cell.Images, cell.LeftOut = int64(images.N), signLeftOut(g.members, int64(images.N))
			cell.Perturbations = int64(seeds.N)
			if images.N > 0 {
				cell.Mean, cell.StdError, cell.SeedStdDev = stats.Defined(images.Mean), stats.Defined(images.StdErr()), stats.Defined(seeds.StdDev())
			}
			cells = append(cells, cell)
		}
	}
	return cells
}

// signLeftOut returns how many images are not among those of the cell. Perturbations that looked at different ones, since their seeds
// drew them, have more images between them than each was to look at: then it is what each left out, added up.
func signLeftOut(members []*Scored, images int64) int64 {
	if left := members[0].SignImages - images; left >= 0 {
		return left
	}
	sum := int64(0)
	for _, s := range members {
		sum += s.SignImages - int64(len(s.FitRows))
	}
	return sum
}

// pool summarises, over the images, the mean of a value over the perturbations, and over the perturbations its mean over the
// images. An image that two sources have counts for each.
func pool(members []*Scored, value func(SignRow) float64) (images, seeds stats.Summary) {
	type seenImage struct{ source, id int64 }
	var order []seenImage
	byImage := map[seenImage]*stats.Summary{}
	for _, s := range members {
		var own stats.Summary
		for _, row := range s.FitRows {
			image := seenImage{row.Source, row.ID}
			if byImage[image] == nil {
				byImage[image] = &stats.Summary{}
				order = append(order, image)
			}
			byImage[image].Add(value(row))
			own.Add(value(row))
		}
		if own.N > 0 {
			seeds.Add(own.Mean)
		}
	}
	for _, image := range order {
		images.Add(byImage[image].Mean)
	}
	return images, seeds
}
