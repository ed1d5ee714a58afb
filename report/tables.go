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

// Summary writes the run's table of models and its summary table as Markdown that lines up in a terminal, with what was left out and
// why below them.
func Summary(w io.Writer, dir string) error {
	r, err := openRun(dir)
	if err != nil {
		return err
	}
	g, ok := r.grid(results.SummaryTable)
	if !ok {
		return fmt.Errorf("summarise %s: it has no table %s: %w", dir, results.SummaryTable, fs.ErrNotExist)
	}
	if r.models != nil {
		if err := writeMarkdown(w, r.models.grid()); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return fmt.Errorf("summarise %s: %w", dir, err)
		}
	}
	return writeMarkdown(w, g)
}

// writeTables writes each table as Markdown, LaTeX (booktabs) and CSV beside its Parquet file. A cell without a number, which the run
// was asked for and does not have, is shown as missing.
func (r *run) writeTables() error {
	var problems []error
	if r.models != nil {
		problems = append(problems, r.writeTable(r.models.grid(), r.models.writeCSV))
	}
	for _, t := range r.tables {
		problems = append(problems, r.writeTable(newGrid(t, notesOf(r.manifest)), func(w io.Writer) error { return writeCSV(w, t) }))
	}
	return errors.Join(problems...)
}

// writeTable writes the files that stand beside a table of a run.
func (r *run) writeTable(g grid, asCSV func(io.Writer) error) error {
	for suffix, write := range map[string]func(io.Writer) error{
		".md":  func(w io.Writer) error { return writeMarkdown(w, g) },
		".tex": func(w io.Writer) error { return writeLaTeX(w, g) },
		".csv": asCSV,
	} {
		var text bytes.Buffer
		if err := write(&text); err != nil {
			return fmt.Errorf("lay out table %s: %w", g.Name, err)
		}
		if err := atomicfile.WriteFile(filepath.Join(r.dir, results.TablesDir, g.Name+suffix), text.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
