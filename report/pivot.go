package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"upi/metric"
	"upi/results"
)

// A pivot is a chosen table: a row for each combination of the keys by, a group of columns for each combination of the keys across.
type pivot struct {
	choice  Choice
	labels  labels
	by      []string
	caption []string // what all rows share
	groups  []string // "" where nothing stands across
	rows    []pivotRow
	// images are of each target the number that most of its cells have, which the caption says; others are written beside their number.
	images map[string]int64
	// paired says that the table holds differences alone, as that of explanations does.
	paired bool
}

type pivotRow struct {
	keys  []string
	role  results.Role
	block string // rows of one block are compared with each other
	cells map[pivotKey]results.Cell
}

type pivotKey struct{ group, metric string }

// newPivot arranges rows. Two rows in one place are an error, as where runs are of one name and directory.
func newPivot(c Choice, rows []chosen, names labels) (*pivot, error) {
	p := &pivot{choice: c, labels: names}
	p.choose(rows)
	p.sort(rows)
	at := map[string]int{}
	for _, row := range rows {
		var keys, group, block []string
		for _, key := range p.by {
			keys = append(keys, names.of(row.key(key)))
			if key != "method" {
				block = append(block, row.key(key))
			}
		}
		for _, key := range c.Across {
			group = append(group, p.valueOf(row, key))
		}
		g, id := strings.Join(group, ", "), fmt.Sprint(len(keys), strings.Join(keys, "\x00"))
		if !slices.Contains(p.groups, g) {
			p.groups = append(p.groups, g)
		}
		i, there := at[id]
		if !there {
			i = len(p.rows)
			at[id] = i
			p.rows = append(p.rows, pivotRow{keys, row.Role, strings.Join(block, "\x00"), map[pivotKey]results.Cell{}})
		}
		for _, m := range c.Metrics {
			if cell, known := row.Cells[m]; known {
				if _, twice := p.rows[i].cells[pivotKey{g, m}]; twice {
					return nil, choiceError("%s of %s is there twice: is a run named twice?", m, strings.Join(keys, ", "))
				}
				p.rows[i].cells[pivotKey{g, m}] = cell
			}
		}
	}
	p.paired = !slices.ContainsFunc(rows, func(row chosen) bool {
		return slices.ContainsFunc(c.Metrics, func(m string) bool { return row.Cells[m].Mean != nil })
	}) && slices.ContainsFunc(rows, func(row chosen) bool {
		return slices.ContainsFunc(c.Metrics, func(m string) bool { return row.Cells[m].Difference != nil })
	})
	p.count(rows)
	return p, nil
}

// choose settles what tells rows apart: what was asked for, then what else varies; what does not goes to the caption. The method is
// always told, after what was asked for.
func (p *pivot) choose(rows []chosen) {
	p.by = slices.Clone(p.choice.By)
	joint := slices.ContainsFunc(rows, func(c chosen) bool { return c.Source != c.Target })
	for _, key := range Keys {
		var values []string
		for _, row := range rows {
			values = append(values, row.key(key))
		}
		varies := len(distinct(values)) > 1
		switch {
		case slices.Contains(p.choice.By, key) || slices.Contains(p.choice.Across, key):
		case key == "source" && !joint:
		case varies || key == "method":
			p.by = append(p.by, key)
		case key != "run" && values[0] != "":
			p.caption = append(p.caption, p.valueOf(rows[0], key))
		}
	}
}

// valueOf is how a key's value is written where no heading says of what it is.
func (p *pivot) valueOf(row chosen, key string) string {
	switch key {
	case "eps":
		return "eps " + row.key(key)
	case "source":
		return "fitted on " + p.labels.of(row.key(key))
	}
	return p.labels.of(row.key(key))
}

// sort orders the rows by the keys as they first appear, eps by size.
func (p *pivot) sort(rows []chosen) {
	ranks := map[string]map[string]int{}
	for _, key := range Keys {
		var values []string
		for _, row := range rows {
			values = append(values, row.key(key))
		}
		ranks[key] = rank(values)
	}
	slices.SortStableFunc(rows, func(a, b chosen) int {
		order := 0
		for _, key := range slices.Concat(p.by, p.choice.Across) {
			switch key {
			case "eps":
				order = cmp.Or(order, cmp.Compare(a.Eps, b.Eps))
			case "method":
				order = cmp.Or(order, cmp.Compare(roleRank(a.Role), roleRank(b.Role)), cmp.Compare(ranks[key][a.Method], ranks[key][b.Method]))
			default:
				order = cmp.Or(order, cmp.Compare(ranks[key][a.key(key)], ranks[key][b.key(key)]))
			}
		}
		return order
	})
}

// count finds the commonest number of images of each target.
func (p *pivot) count(rows []chosen) {
	p.images = map[string]int64{}
	times := map[string]map[int64]int{}
	for _, row := range rows {
		for _, m := range p.choice.Metrics {
			c, known := row.Cells[m]
			if !known || c.Mean == nil && c.Difference == nil {
				continue
			}
			if times[row.Target] == nil {
				times[row.Target] = map[int64]int{}
			}
			times[row.Target][c.Images]++
			if most := p.images[row.Target]; times[row.Target][c.Images] > times[row.Target][most] {
				p.images[row.Target] = c.Images
			}
		}
	}
}

// imagesText reads "986 images" or "images: 986 of mnist_cnn, 873 of cifar10_vgg".
func (p *pivot) imagesText() string {
	var parts, counts []string
	for _, target := range slices.Sorted(maps.Keys(p.images)) {
		counts = append(counts, fmt.Sprint(p.images[target]))
		parts = append(parts, fmt.Sprintf("%d of %s", p.images[target], p.labels.of(target)))
	}
	if counts = distinct(counts); len(counts) == 1 {
		return counts[0] + " images"
	}
	return "images: " + strings.Join(parts, ", ")
}

// best says whether a cell is the strongest of its block: the method that changes maps most, by a metric of maps, among the patterns for
// all images. What rounds to the same is as strong. There is no best of a block of one, nor of what a metric of answers says, since an
// attack on explanations is not better for changing them.
func (p *pivot) best(row pivotRow, key pivotKey) bool {
	m, err := metric.Lookup(key.metric)
	own, known := row.cells[key]
	if err != nil || !m.Maps || !known || own.Mean == nil || !competes(row.role) {
		return false
	}
	rivals := 0
	for _, other := range p.rows {
		c, known := other.cells[key]
		if other.block != row.block || !known || c.Mean == nil || !competes(other.role) {
			continue
		}
		rivals++
		if stronger := (*c.Mean > *own.Mean) == m.Rises; number(*c.Mean) != number(*own.Mean) && stronger {
			return false
		}
	}
	return rivals > 1
}

// competes says whether attacks of a role are compared for the strongest.
func competes(role results.Role) bool {
	return role != results.RoleNothing && role != results.RoleUpper
}

// title says what the table is of.
func (p *pivot) title() string {
	parts := slices.Clone(p.caption)
	if len(p.choice.Metrics) == 1 {
		parts = append([]string{p.labels.of(p.choice.Metrics[0])}, parts...)
	}
	return strings.Join(append(parts, p.imagesText()), ", ")
}

// legend says how the numbers are to be read.
func (p *pivot) legend() []string {
	text := "Means over the images ± their standard errors."
	if p.paired {
		text = "Mean differences over the images that both have, with paired bootstrap 95 % intervals."
	}
	if p.uneven() {
		text += " n: the images of a number that has others."
	}
	if p.choice.Difference && !p.paired {
		text += " Differences are to random of the same norm and eps over the same images, with paired bootstrap 95 % intervals."
	}
	lines := []string{text}
	bold := false
	for _, row := range p.rows {
		for key := range row.cells {
			bold = bold || p.best(row, key)
		}
	}
	if bold {
		mark := "Bold"
		if p.choice.Format == "text" {
			mark = "With a star"
		}
		lines = append(lines, mark+": the strongest change of the maps among the patterns for all images that stand together.")
	}
	return lines
}

// uneven says whether some cell has other images than the caption says.
func (p *pivot) uneven() bool {
	for _, row := range p.rows {
		for _, c := range row.cells {
			if (c.Mean != nil || c.Difference != nil) && c.Images != p.images[c.Target] {
				return true
			}
		}
	}
	return false
}

// A pivotColumn is a column of numbers.
type pivotColumn struct {
	pivotKey
	difference bool
	name       string // below that of the group
}

func (p *pivot) columns() []pivotColumn {
	var columns []pivotColumn
	for _, g := range p.groups {
		for _, m := range p.choice.Metrics {
			name := p.labels.of(m)
			if len(p.choice.Metrics) == 1 && g != "" {
				name = ""
			}
			columns = append(columns, pivotColumn{pivotKey{g, m}, false, name})
			if p.choice.Difference && !p.paired {
				columns = append(columns, pivotColumn{pivotKey{g, m}, true, "against random [95 %]"})
			}
		}
	}
	return columns
}

// entry is the cell of a row; a star marks the best in a text.
func (p *pivot) entry(row pivotRow, c pivotColumn) entry {
	cell, known := row.cells[c.pivotKey]
	if !known {
		return entry{Text: noText}
	}
	if p.paired {
		return differenceEntry(cell, p.images[cell.Target], true)
	}
	if c.difference {
		return differenceEntry(cell, cell.Images, false)
	}
	cell.SeedStdDev = nil
	e := meanEntry(cell, known, p.images[cell.Target])
	e.Strong = p.best(row, c.pivotKey)
	return e
}

// keyNames are the headings of the keys.
func (p *pivot) keyNames() []string {
	var names []string
	for _, key := range p.by {
		switch key {
		case "source":
			key = "fitted on"
		case "fitted_for":
			key = "fitted for"
		case "other":
			key = "less that of"
		}
		names = append(names, key)
	}
	return names
}

// grid lays the table out as one section, the name of a group before that of each of its columns.
func (p *pivot) grid() grid {
	s := section{}
	for i, name := range p.keyNames() {
		s.Columns = append(s.Columns, column{Name: name, Key: true, Right: p.by[i] == "eps"})
	}
	columns := p.columns()
	for _, c := range columns {
		name := c.group
		if c.name != "" && c.group != "" {
			name += ": " + c.name
		}
		s.Columns = append(s.Columns, column{Name: printable(cmp.Or(name, c.name)), Right: true})
	}
	for _, row := range p.rows {
		var entries []entry
		for _, key := range row.keys {
			entries = append(entries, newEntry(key))
		}
		for _, c := range columns {
			e := p.entry(row, c)
			if e.Strong && p.choice.Format == "text" {
				e.Text = "*" + e.Text
			}
			entries = append(entries, e)
		}
		s.Rows = append(s.Rows, entries)
	}
	return grid{Name: p.choice.Table, Title: printable(p.title()), Sections: []section{s}, Legend: p.legend()}
}
