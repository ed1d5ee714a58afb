package stages

import (
	"path/filepath"

	"upi/data/table"
	"upi/results"
	"upi/stats"
)

// A signs holds the scores of a perturbation and of its negative on the fit images of its sources.
type signs struct {
	images      []fitImage
	plus, minus []float64
}

// A fitImage is an image seen by one of the sources.
type fitImage struct {
	source int
	id     int64
}

// readSigns pools artefacts of the stage sign, those of one source after the other's.
func readSigns(sources ...[]string) (signs, error) {
	var s signs
	for source, dirs := range sources {
		for _, dir := range dirs {
			rows, err := table.ReadAll[signRow](filepath.Join(dir, signFile))
			if err != nil {
				return s, err
			}
			for _, row := range rows {
				s.images = append(s.images, fitImage{source, row.ID})
				s.plus = append(s.plus, row.Plus)
				s.minus = append(s.minus, row.Minus)
			}
		}
	}
	return s, nil
}

// means returns the mean scores of the perturbation and of its negative, 0 where there is no image.
func (s signs) means() (plus, minus float64) {
	for i := range s.images {
		plus += s.plus[i]
		minus += s.minus[i]
	}
	if n := float64(len(s.images)); n > 0 {
		return plus / n, minus / n
	}
	return 0, 0
}

// better returns the sign that does better; +1 where both do as well.
func (s signs) better() int {
	if plus, minus := s.means(); minus > plus {
		return -1
	}
	return 1
}

// signCells returns the normalised L2 of the perturbations and of their negatives on the fit split of all their sources, and the
// difference of the two: of each image the mean over the perturbations, and of those the mean with its standard error.
func signCells(all []*scored) []results.Cell {
	metrics := []struct {
		name  string
		value func(s signs, i int) float64
	}{
		{"fit_plus", func(s signs, i int) float64 { return s.plus[i] }},
		{"fit_minus", func(s signs, i int) float64 { return s.minus[i] }},
		{"fit_difference", func(s signs, i int) float64 { return s.plus[i] - s.minus[i] }},
	}
	var rows []results.Cell
	for _, g := range groups(all) {
		var members []signs
		for _, s := range g.members {
			if len(s.signs.images) > 0 && g.cell.Target == s.spec.Sources[0] {
				members = append(members, s.signs)
			}
		}
		if len(members) == 0 {
			continue
		}
		for _, m := range metrics {
			cell := g.cell
			cell.Target = cell.Source
			cell.Metric, cell.Perturbations = m.name, int64(len(members))
			images, seeds := pool(members, m.value)
			cell.Images, cell.LeftOut = int64(images.N), g.members[0].spec.FitImages-int64(images.N)
			cell.Mean, cell.StdError, cell.SeedStdDev = number(images.Mean), number(images.StdErr()), number(seeds.StdDev())
			rows = append(rows, cell)
		}
	}
	return rows
}

// pool summarises, over the images, the mean of a value over the members, and over the members its mean over the images.
func pool(members []signs, value func(s signs, i int) float64) (images, seeds stats.Summary) {
	var order []fitImage
	each := map[fitImage]*stats.Summary{}
	for _, s := range members {
		var own stats.Summary
		for i, image := range s.images {
			if each[image] == nil {
				each[image] = &stats.Summary{}
				order = append(order, image)
			}
			each[image].Add(value(s, i))
			own.Add(value(s, i))
		}
		seeds.Add(own.Mean)
	}
	for _, image := range order {
		images.Add(each[image].Mean)
	}
	return images, seeds
}
