package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"upi/pipeline/atomicfile"
	"upi/results"
)

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
