package report

import (
	"bufio"
	"io"
	"strings"
)

// writeLaTeX writes a grid as one table environment for each section, for \input in a document that uses booktabs. The
// diagonal is bold.
func writeLaTeX(w io.Writer, g grid) error {
	b := bufio.NewWriter(w)
	b.WriteString("% Needs \\usepackage{booktabs}.\n")
	for _, s := range g.Sections {
		b.WriteString("\\begin{table}[htbp]\n\\centering\n")
		b.WriteString("\\caption{" + latexText(g.Title+": "+s.Heading) + "}\n")
		b.WriteString("\\begin{tabular}{")
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
				text := latexText(e.Text)
				switch {
				case e.Gap:
					text = "\\emph{" + text + "}"
				case s.Columns[i].Right:
					text = strings.ReplaceAll(text, "-", "$-$")
				}
				if e.Strong {
					text = "\\textbf{" + text + "}"
				}
				b.WriteString(separator(i) + text)
			}
			b.WriteString(" \\\\\n")
		}
		b.WriteString("\\bottomrule\n\\end{tabular}\n\\end{table}\n\n")
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
