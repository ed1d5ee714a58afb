package tables

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"upi/results"
)

const (
	// few is the number of images below which a number that rests on them is worth a warning.
	few = 30
	// named is how many perturbations a warning names.
	named = 20
)

// Warnings are sentences to be shown beside tables, by the tables' names: which signs and means rest on few images, or on the smaller
// part of those that count, and which rest on fewer perturbations or images than the run was asked for, since tasks have failed. A cell
// of no images says so itself.
func Warnings(settings Settings, all []*Scored) map[string][]string {
	warnings := map[string][]string{}
	if text := fewSigns(all); text != "" {
		for _, name := range []string{results.SummaryTable, results.TransferTable, results.SignTable} {
			warnings[name] = append(warnings[name], text)
		}
	}
	groups := groupsOf(all)
	for _, g := range groups {
		if text := g.lostScores(); text != "" {
			for _, name := range g.tables(groups) {
				warnings[name] = append(warnings[name], text)
			}
		}
	}
	small := map[[2]string]bool{}
	for _, g := range groups {
		where, counting := [2]string{g.cell.Target, g.cell.Explanation}, g.counting()
		for m, metric := range settings.Metrics {
			if small[where] {
				break
			}
			text := g.fewImages(m, metric, counting)
			if text == "" {
				continue
			}
			small[where] = counting < few
			if g.cell.Diagonal {
				warnings[results.SummaryTable] = append(warnings[results.SummaryTable], text)
			}
			warnings[results.TransferTable] = append(warnings[results.TransferTable], text)
		}
	}
	for name, sentences := range warnings {
		if more := len(sentences) - named; more > 0 {
			warnings[name] = append(sentences[:named:named], fmt.Sprintf("Warning: %d more numbers rest on as few images; the column images tells.", more))
		}
	}
	return warnings
}

// lostScores says that some of a group's scores, but not all, were lost because tasks have failed; else it is empty.
func (g *group) lostScores() string {
	some := false
	for _, scores := range g.scores {
		some = some || len(scores.IDs) > 0
	}
	if g.lost == 0 || !some {
		return ""
	}
	c := g.cell
	return fmt.Sprintf("Warning: %s, %s %g, fitted on %s, on %s by %s rests on a part of what was asked for: %d tasks that score it have failed, of %d "+
		"of its %d perturbations.", c.Method, c.Norm, c.Eps, c.Source, c.Target, c.Explanation, g.lost, g.incomplete, len(g.members))
}

// tables names those that a group stands in.
func (g *group) tables(all []*group) []string {
	names := []string{results.TransferTable}
	if !g.cell.Diagonal {
		return names
	}
	names = append(names, results.SummaryTable)
	for _, other := range all {
		name := results.AgainstTable + other.cell.Method
		if other.comparedTo() && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// fewSigns names the signs that rest on few images.
func fewSigns(all []*Scored) string {
	var ids []string
	for _, s := range all {
		if s.Rule == SignFit && s.Fit != nil && s.Fit.Images < few {
			ids = append(ids, fmt.Sprintf("%s (%d)", s.ID, s.Fit.Images))
		}
	}
	if len(ids) == 0 {
		return ""
	}
	text := strings.Join(ids[:min(len(ids), named)], ", ")
	if more := len(ids) - named; more > 0 {
		text += fmt.Sprintf(" and %d more, whose fit_images in perturbations.parquet are as few", more)
	}
	return fmt.Sprintf("Warning: signs that rest on fewer than %d fit images: %s; the number of images is in parentheses.", few, text)
}

// counting is the number of images that count: those that have a row of scores.
func (g *group) counting() int { return len(g.imageIDs()) }

// fewImages says that a metric of a group rests on few images, or on under half of the number that count; else it is empty. Where few
// count at all, that is so of every number there.
func (g *group) fewImages(m int, metric string, of int) string {
	ids, c, n := g.imageIDs(), g.cell, 0
	defined := make([]bool, len(ids))
	for _, scores := range g.scores {
		for i, id := range scores.IDs {
			if k := at(ids, i, id); !defined[k] && !math.IsNaN(scores.Values[m][i]) {
				defined[k] = true
				n++
			}
		}
	}
	switch {
	case of == 0 || n >= few && 2*n >= of:
		return ""
	case of < few:
		return fmt.Sprintf("Warning: only %d images count on %s by %s; every number there rests on as few.", of, c.Target, c.Explanation)
	}
	return fmt.Sprintf("Warning: %s of %s, %s %g, fitted on %s, on %s by %s rests on %d of the %d images that count.",
		metric, c.Method, c.Norm, c.Eps, c.Source, c.Target, c.Explanation, n, of)
}
