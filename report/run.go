package report

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"upi/data/table"
	"upi/results"
)

// A run is what is known of a finished run.
type run struct {
	dir      string
	manifest *manifest // nil where there is none
	settings *settings // nil where there are none
	tables   []records // the summary first, then the transfer table
	examples []results.Example
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
