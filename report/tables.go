package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"upi/data/table"
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

// WriteTables writes each table of the run in dir as Markdown, LaTeX (booktabs) and CSV beside its Parquet file. A number that
// the run was asked for and does not have is shown as missing. The error wraps fs.ErrNotExist if the run has no tables.
func WriteTables(dir string) error {
	r, err := openRun(dir)
	if err != nil {
		return err
	}
	return r.writeTables()
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

// A run is what is known of a finished run.
type run struct {
	dir      string
	manifest *manifest // nil where there is none
	settings *settings // nil where there are none
	tables   []records // the summary first, then the transfer table
}

func openRun(dir string) (*run, error) {
	r := &run{dir: dir}
	var err error
	if r.manifest, err = readManifest(dir); err != nil {
		return nil, err
	}
	if r.settings, err = readSettings(dir); err != nil {
		return nil, err
	}
	names, err := tableNames(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		cells, err := table.ReadAll[results.Cell](filepath.Join(dir, results.TablesDir, name+".parquet"))
		if err != nil {
			return nil, err
		}
		r.tables = append(r.tables, newRecords(name, cells, r.settings))
	}
	return r, nil
}

// tableNames lists the tables of a run's directory, the best known first.
func tableNames(dir string) ([]string, error) {
	files, err := os.ReadDir(filepath.Join(dir, results.TablesDir))
	if err != nil {
		return nil, fmt.Errorf("list the tables of a run: %w", err)
	}
	names := []string{results.SummaryTable, results.TransferTable, results.SignTable}
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".parquet"))
	}
	names = slices.DeleteFunc(distinct(names), func(name string) bool {
		return strings.HasPrefix(name, ".") || !slices.ContainsFunc(files, func(f fs.DirEntry) bool { return f.Name() == name+".parquet" })
	})
	if len(names) == 0 {
		return nil, fmt.Errorf("list the tables of a run: %s holds none: %w", filepath.Join(dir, results.TablesDir), fs.ErrNotExist)
	}
	return names, nil
}

func (r *run) records(table string) (records, bool) {
	i := slices.IndexFunc(r.tables, func(t records) bool { return t.Table == table })
	if i < 0 {
		return records{}, false
	}
	return r.tables[i], true
}

func (r *run) grid(table string) (grid, bool) {
	t, ok := r.records(table)
	return newGrid(t, r.manifest.notes()), ok
}

func (r *run) writeTables() error {
	var problems []error
	for _, t := range r.tables {
		g := newGrid(t, r.manifest.notes())
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
