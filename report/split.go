package report

import (
	"slices"
	"unicode/utf8"
)

// split returns the section in parts of about width characters each, which all have the columns that tell the rows apart.
func (s section) split(width int) []section {
	var keys []int
	used := 0
	for i, c := range s.Columns {
		if c.Key {
			keys = append(keys, i)
			used += s.columnWidth(i)
		}
	}
	var parts []section
	chosen, left := keys, width-used
	for i, c := range s.Columns {
		if c.Key {
			continue
		}
		own := s.columnWidth(i)
		if own > left && len(chosen) > len(keys) {
			parts = append(parts, s.only(chosen))
			chosen, left = keys, width-used
		}
		chosen, left = append(slices.Clip(chosen), i), left-own
	}
	return append(parts, s.only(chosen))
}

func (s section) columnWidth(i int) int {
	width := utf8.RuneCountInString(s.Columns[i].Name)
	for _, row := range s.Rows {
		width = max(width, utf8.RuneCountInString(row[i].Text))
	}
	return width + columnGap
}

// only returns the section with the chosen columns.
func (s section) only(chosen []int) section {
	part := section{Heading: s.Heading}
	for _, i := range chosen {
		part.Columns = append(part.Columns, s.Columns[i])
	}
	for _, row := range s.Rows {
		var entries []entry
		for _, i := range chosen {
			entries = append(entries, row[i])
		}
		part.Rows = append(part.Rows, entries)
	}
	return part
}
