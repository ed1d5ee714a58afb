package report

import (
	"bufio"
	"io"
	"strings"
	"unicode/utf8"
)

// writeMarkdown writes a grid as Markdown whose columns also line up in a terminal. The diagonal is bold.
func writeMarkdown(w io.Writer, g grid) error {
	b := bufio.NewWriter(w)
	b.WriteString("# " + markdownText(g.Title) + "\n\n")
	for _, s := range g.Sections {
		b.WriteString("## " + markdownText(s.Heading) + "\n\n")
		writeMarkdownRows(b, s)
		b.WriteString("\n")
	}
	for _, line := range g.Legend {
		b.WriteString(markdownText(line) + "\n")
	}
	if len(g.Notes) > 0 {
		b.WriteString("\nLeft out, and why:\n\n")
	}
	for _, note := range g.Notes {
		b.WriteString("- " + markdownText(note) + "\n")
	}
	return b.Flush()
}

func writeMarkdownRows(b *bufio.Writer, s section) {
	var lines [][]string
	var header []string
	for _, c := range s.Columns {
		header = append(header, markdownText(c.Name))
	}
	lines = append(lines, header)
	for _, row := range s.Rows {
		var line []string
		for _, e := range row {
			text := markdownText(e.Text)
			if e.Strong {
				text = "**" + text + "**"
			}
			line = append(line, text)
		}
		lines = append(lines, line)
	}
	widths := make([]int, len(s.Columns))
	for _, line := range lines {
		for i, text := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(text), 3)
		}
	}
	for n, line := range lines {
		for i, text := range line {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if s.Columns[i].Right {
				b.WriteString("| " + pad + text + " ")
			} else {
				b.WriteString("| " + text + pad + " ")
			}
		}
		b.WriteString("|\n")
		if n > 0 {
			continue
		}
		for i, c := range s.Columns {
			if c.Right {
				b.WriteString("| " + strings.Repeat("-", widths[i]-1) + ": ")
			} else {
				b.WriteString("| " + strings.Repeat("-", widths[i]) + " ")
			}
		}
		b.WriteString("|\n")
	}
}

// markdownEscapes are the characters that would end a cell or start markup. A bracket starts none until a parenthesis follows,
// nor does an underscore inside a word.
var markdownEscapes = strings.NewReplacer(`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "<", "&lt;", "](", `]\(`, "&", "&amp;")

// markdownText escapes text for a line or a cell.
func markdownText(text string) string {
	return markdownEscapes.Replace(printable(text))
}
