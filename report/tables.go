package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"upi/pipeline/atomicfile"
	"upi/results"
)

// formats are the files that stand beside each table of a run.
var formats = []struct {
	suffix string
	write  func(io.Writer, grid, records) error
}{
	{".md", func(w io.Writer, g grid, _ records) error { return writeMarkdown(w, g) }},
	{".tex", func(w io.Writer, g grid, _ records) error { return writeLaTeX(w, g) }},
	{".csv", func(w io.Writer, _ grid, r records) error { return writeCSV(w, r) }},
}

// Summary writes the run's summary table as Markdown that lines up in a terminal, with what was left out and why below it.
func Summary(w io.Writer, dir string) error {
	r, err := openRun(dir)
	if err != nil {
		return err
	}
	g, ok := r.grid(results.SummaryTable)
	if !ok {
		return fmt.Errorf("summarise %s: it has no table %s: %w", dir, results.SummaryTable, fs.ErrNotExist)
	}
	return writeMarkdown(w, g)
}

// writeTables writes each table as Markdown, LaTeX (booktabs) and CSV beside its Parquet file. A cell without a number, which the run
// was asked for and does not have, is shown as missing.
func (r *run) writeTables() error {
	var problems []error
	for _, t := range r.tables {
		g := newGrid(t, notesOf(r.manifest))
		for _, format := range formats {
			var text bytes.Buffer
			if err := format.write(&text, g, t); err != nil {
				return fmt.Errorf("lay out table %s: %w", t.Table, err)
			}
			problems = append(problems, atomicfile.WriteFile(filepath.Join(r.dir, results.TablesDir, t.Table+format.suffix), text.Bytes()))
		}
	}
	return errors.Join(problems...)
}
