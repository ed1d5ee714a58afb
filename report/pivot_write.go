package report

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// writeMarkdown writes the table alone, with what it is of above it and how to read it below.
func (p *pivot) writeMarkdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	g := p.grid()
	b.WriteString(markdownText(g.Title) + "\n\n")
	writeMarkdownRows(b, g.Sections[0])
	b.WriteByte('\n')
	for _, line := range g.Legend {
		b.WriteString(markdownText(line) + "\n")
	}
	return b.Flush()
}

// writeLaTeX writes one table environment for \input in a document that uses booktabs and graphicx. It is as wide as the column that it
// stands in at most: what is wider is scaled down.
func (p *pivot) writeLaTeX(w io.Writer) error {
	b := bufio.NewWriter(w)
	g := p.grid()
	s := g.Sections[0]
	b.WriteString("% Needs \\usepackage{booktabs,graphicx}.\n\\begin{table}[tb]\n\\centering\n")
	caption := g.Title + "."
	for _, line := range g.Legend {
		caption += " " + line
	}
	b.WriteString("\\caption{" + latexText(caption) + "}\n\\footnotesize\\setlength{\\tabcolsep}{3pt}\n" + latexFit + "\\begin{tabular}{@{}")
	for _, c := range s.Columns {
		if c.Right {
			b.WriteByte('r')
		} else {
			b.WriteByte('l')
		}
	}
	b.WriteString("@{}}\n\\toprule\n")
	p.writeLaTeXHead(b)
	b.WriteString(" \\\\\n\\midrule\n")
	for i, row := range s.Rows {
		if i > 0 && p.rows[i].block != p.rows[i-1].block && len(p.by) > 1 {
			b.WriteString("\\addlinespace\n")
		}
		for k, e := range row {
			b.WriteString(separator(k) + latexEntry(e, !s.Columns[k].Key))
		}
		b.WriteString(" \\\\\n")
	}
	b.WriteString("\\bottomrule\n\\end{tabular}}\n\\end{table}\n")
	return b.Flush()
}

// writeLaTeXHead writes the heads of the columns, those of a group below its name.
func (p *pivot) writeLaTeXHead(b *bufio.Writer) {
	keys, columns := p.keyNames(), p.columns()
	per := len(columns) / len(p.groups)
	if p.groups[0] != "" {
		b.WriteString(strings.Repeat(" & ", len(keys)-1))
		rules := ""
		for i, group := range p.groups {
			align := "c"
			if per == 1 {
				align = "r"
			}
			b.WriteString(fmt.Sprintf(" & \\multicolumn{%d}{%s}{%s}", per, align, latexText(group)))
			rules += fmt.Sprintf("\\cmidrule(lr){%d-%d}", len(keys)+1+i*per, len(keys)+(i+1)*per)
		}
		b.WriteString(" \\\\\n")
		if per > 1 {
			b.WriteString(rules + "\n")
		}
	}
	for i, key := range keys {
		b.WriteString(separator(i) + latexText(key))
	}
	for _, c := range columns {
		b.WriteString(" & " + latexText(c.name))
	}
}

// writeCSV writes a line for each row with all digits of its numbers. Keys are as in the runs, without labels.
func (p *pivot) writeCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	header := p.keyNames()
	fields := []string{"mean", "std_error", "seed_std_dev", "difference", "low", "high", "images"}
	for _, column := range p.columns() {
		if column.difference {
			continue
		}
		before := column.metric
		if column.group != "" {
			before = column.group + " " + before
		}
		for _, field := range fields {
			header = append(header, before+"_"+field)
		}
	}
	if err := c.Write(header); err != nil {
		return fmt.Errorf("write header: %w", err)
	}
	for _, row := range p.rows {
		line := append([]string(nil), row.keys...)
		for _, column := range p.columns() {
			if column.difference {
				continue
			}
			cell, known := row.cells[column.pivotKey]
			images := ""
			if known {
				images = strconv.FormatInt(cell.Images, 10)
			}
			line = append(line, digits(cell.Mean), digits(cell.StdError), digits(cell.SeedStdDev), digits(cell.Difference), digits(cell.Low),
				digits(cell.High), images)
		}
		if err := c.Write(line); err != nil {
			return fmt.Errorf("write row: %w", err)
		}
	}
	c.Flush()
	return c.Error()
}
