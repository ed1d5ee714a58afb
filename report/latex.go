package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// latexWidth is about how many characters of \scriptsize fit in a line of LaTeX's article, and columnGap how many the space
// between two columns takes.
const (
	latexWidth = 90
	columnGap  = 2
	// latexFloats is after how many tables the page is cleared: LaTeX gives up where about 50 wait for their place.
	latexFloats = 12
)

// latexFit opens a box that is scaled down to the column where it is wider than that, as in an article of two columns.
const latexFit = "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n"

// writeLaTeX writes a grid for \input in a document that uses booktabs and graphicx: one table environment for each section, or several
// where its columns do not fit beside each other. The diagonal is bold.
func writeLaTeX(w io.Writer, g grid) error {
	b := bufio.NewWriter(w)
	tables := 0
	b.WriteString("% Needs \\usepackage{booktabs,graphicx}. For one table that fits a column, see upi table --format latex.\n")
	for _, s := range g.Sections {
		parts := s.split(latexWidth)
		for i, part := range parts {
			caption := g.Title + ": " + s.Heading
			if len(parts) > 1 {
				caption += fmt.Sprintf(" (%d of %d)", i+1, len(parts))
			}
			writeLaTeXTable(b, caption, part)
			if tables++; tables%latexFloats == 0 {
				b.WriteString("\\clearpage\n\n")
			}
		}
	}
	b.WriteString("{\\footnotesize\n")
	for _, line := range g.Legend {
		b.WriteString("\\noindent " + latexText(line) + "\\par\n")
	}
	for _, note := range g.Notes {
		b.WriteString("\\noindent " + latexText(note) + "\\par\n")
	}
	b.WriteString("}\n")
	return b.Flush()
}

func writeLaTeXTable(b *bufio.Writer, caption string, s section) {
	b.WriteString("\\begin{table}[htbp]\n\\centering\n")
	b.WriteString("\\caption{" + latexText(caption) + "}\n")
	b.WriteString("\\scriptsize\\setlength{\\tabcolsep}{3pt}\n" + latexFit + "\\begin{tabular}{")
	for _, c := range s.Columns {
		if c.Right {
			b.WriteByte('r')
		} else {
			b.WriteByte('l')
		}
	}
	b.WriteString("}\n\\toprule\n")
	for i, c := range s.Columns {
		b.WriteString(separator(i) + latexText(c.Name))
	}
	b.WriteString(" \\\\\n\\midrule\n")
	for _, row := range s.Rows {
		for i, e := range row {
			b.WriteString(separator(i) + latexEntry(e, s.Columns[i].Right))
		}
		b.WriteString(" \\\\\n")
	}
	b.WriteString("\\bottomrule\n\\end{tabular}}\n\\end{table}\n\n")
}

// latexEntry is the text of a cell; the minus of a number is that of mathematics.
func latexEntry(e entry, isNumber bool) string {
	text := latexText(e.Text)
	switch {
	case e.Gap:
		text = "\\emph{" + text + "}"
	case isNumber:
		text = strings.ReplaceAll(text, "-", "$-$")
	}
	if e.Strong {
		text = "\\textbf{" + text + "}"
	}
	return text
}

func separator(i int) string {
	if i == 0 {
		return ""
	}
	return " & "
}

var latexEscapes = strings.NewReplacer(
	`\`, `\textbackslash{}`, "{", `\{`, "}", `\}`, "$", `\$`, "&", `\&`, "%", `\%`, "#", `\#`, "_", `\_`,
	"~", `\textasciitilde{}`, "^", `\textasciicircum{}`, "<", `\textless{}`, ">", `\textgreater{}`, "|", `\textbar{}`,
	"[", "{[}", "]", "{]}", "`", `\textasciigrave{}`,
	"±", `$\pm$`, "–", `\textendash{}`, "→", `$\to$`, "σ", `$\sigma$`, "\uFFFD", "?",
)

// latexText escapes text. The brackets are set in braces because one that follows \\ would be taken for its argument.
func latexText(text string) string { return latexEscapes.Replace(printable(text)) }
