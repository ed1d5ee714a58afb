package report

import (
	"bufio"
	"io"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
)

// TerminalWidth is that of a text which no terminal shows, in columns.
const TerminalWidth = 80

// terminalGap is the number of spaces between two columns.
const terminalGap = 2

// cells measures texts in columns of a terminal, the same whatever the locale.
var cells = &runewidth.Condition{StrictEmojiNeutral: true}

// fewestLetters is how far a name is shortened where not even the first column of numbers fits beside the names.
const fewestLetters = 8

// writeTerminal writes a grid as plain text of at most width columns. Where a table is wider, its last columns are left out, and named
// below: more says how to see them.
func writeTerminal(w io.Writer, g grid, width int, more string) error {
	b := bufio.NewWriter(w)
	writeParagraph(b, g.Title, width, "")
	var left []string
	for _, s := range g.Sections {
		b.WriteByte('\n')
		if s.Heading != "" {
			writeParagraph(b, s.Heading, width, "")
		}
		shown, dropped := s.fit(width)
		writeTerminalRows(b, shown)
		for _, name := range dropped {
			if !slices.Contains(left, name) {
				left = append(left, name)
			}
		}
	}
	b.WriteByte('\n')
	if len(left) > 0 {
		writeParagraph(b, "Too wide to be shown here: "+strings.Join(left, ", ")+". "+more, width, "")
	}
	for _, line := range slices.Concat(g.Legend, g.Notes) {
		writeParagraph(b, line, width, "  ")
	}
	return b.Flush()
}

// fit returns the section without the columns that do not fit in width, and the names of those. The columns that tell rows apart and the
// first of the others stay: where these are too wide together, names are cut.
func (s section) fit(width int) (section, []string) {
	var chosen []int
	var dropped []string
	numbers, full := 0, false
	used := -terminalGap
	for i, c := range s.Columns {
		if c.Key {
			chosen = append(chosen, i)
			used += s.terminalWidth(i) + terminalGap
		}
	}
	for i, c := range s.Columns {
		if c.Key {
			continue
		}
		own := s.terminalWidth(i) + terminalGap
		if full = full || numbers > 0 && used+own > width; full {
			dropped = append(dropped, c.Name)
			continue
		}
		chosen, used = append(chosen, i), used+own
		numbers++
	}
	slices.Sort(chosen)
	shown := s.only(chosen)
	for over := used - width; over > 0; {
		i := shown.widestName()
		if i < 0 {
			break
		}
		shown.shorten(i, shown.terminalWidth(i)-1)
		over--
	}
	return shown, dropped
}

// widestName is the widest column of names that can still be cut, -1 if there is none.
func (s section) widestName() int {
	widest := -1
	for i, c := range s.Columns {
		if width := s.terminalWidth(i); c.Key && width > fewestLetters && (widest < 0 || width > s.terminalWidth(widest)) {
			widest = i
		}
	}
	return widest
}

func (s section) shorten(column, width int) {
	s.Columns[column].Name = cells.Truncate(s.Columns[column].Name, width, "…")
	for _, row := range s.Rows {
		row[column].Text = cells.Truncate(row[column].Text, width, "…")
	}
}

func (s section) terminalWidth(i int) int {
	width := cells.StringWidth(s.Columns[i].Name)
	for _, row := range s.Rows {
		width = max(width, cells.StringWidth(row[i].Text))
	}
	return width
}

func writeTerminalRows(b *bufio.Writer, s section) {
	lines := [][]entry{nil}
	for _, c := range s.Columns {
		lines[0] = append(lines[0], entry{Text: c.Name})
	}
	var widths []int
	for i := range s.Columns {
		widths = append(widths, s.terminalWidth(i))
	}
	for _, line := range append(lines, s.Rows...) {
		var text strings.Builder
		for i, e := range line {
			if i > 0 {
				text.WriteString(strings.Repeat(" ", terminalGap))
			}
			pad := strings.Repeat(" ", widths[i]-cells.StringWidth(e.Text))
			if s.Columns[i].Right {
				text.WriteString(pad + e.Text)
			} else {
				text.WriteString(e.Text + pad)
			}
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
}

// writeParagraph breaks a text between words into lines of at most width columns, all but the first of which are indented. A word that is
// longer than a line stays whole, as a path must.
func writeParagraph(b *bufio.Writer, text string, width int, indent string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case cells.StringWidth(line)+1+cells.StringWidth(word) <= width:
			line += " " + word
		default:
			b.WriteString(line + "\n")
			line = indent + word
		}
	}
	b.WriteString(line + "\n")
}
