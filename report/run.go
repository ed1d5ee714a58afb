package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"upi/data/table"
	"upi/pipeline/manifest"
	"upi/results"
)

// A run is what is known of a finished run.
type run struct {
	dir      string
	manifest *manifest.Manifest // nil where there is none
	settings *settings          // nil where there are none
	models   *models            // nil where there is no such table, as in runs of earlier versions
	tables   []records          // of cells: the summary first, then the transfer table
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
	if r.models, err = readModels(dir); err != nil {
		return nil, err
	}
	if r.models != nil {
		r.models.Labels = r.labels()
	}
	names, err := tableNames(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		t, err := readTable(dir, name)
		if err != nil {
			return nil, err
		}
		t.Labels, t.own = r.labels(), r.settings.own()
		r.tables = append(r.tables, t)
	}
	return r, nil
}

// labels are those of the run's configuration.
func (r *run) labels() labels {
	if r.settings == nil {
		return nil
	}
	return r.settings.Labels
}

// readTable reads the cells of a table and the warnings in its footer.
func readTable(dir, name string) (records, error) {
	cells, warnings, err := readRows[results.Cell](dir, name)
	t := newRecords(name, cells)
	t.Warnings = warnings
	return t, err
}

// readModels reads the table of models; nil where there is none.
func readModels(dir string) (*models, error) {
	rows, warnings, err := readRows[results.Model](dir, results.ModelsTable)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return &models{Rows: rows, Warnings: warnings}, err
}

// readRows reads a table and the warnings in its footer.
func readRows[T any](dir, name string) (rows []T, warnings []string, err error) {
	path := filepath.Join(dir, results.TablesDir, name+".parquet")
	r, err := table.Open[T](path)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	if rows, err = r.All(); err != nil {
		return nil, nil, err
	}
	if text, there := r.Metadata(results.WarningsKey); there {
		if err := json.Unmarshal([]byte(text), &warnings); err != nil {
			return nil, nil, fmt.Errorf("read %s in the footer of %s: %w", results.WarningsKey, path, err)
		}
	}
	return rows, warnings, nil
}

// tableNames lists the tables of cells of a run's directory, the best known first.
func tableNames(dir string) ([]string, error) {
	files, err := os.ReadDir(filepath.Join(dir, results.TablesDir))
	if err != nil {
		return nil, fmt.Errorf("list the tables of a run: %w", err)
	}
	names := []string{results.SummaryTable, results.TransferTable, results.CrossTable, results.ExplanationsTable, results.SignTable}
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".parquet"))
	}
	names = slices.DeleteFunc(distinct(names), func(name string) bool {
		return strings.HasPrefix(name, ".") || name == results.ModelsTable || !slices.ContainsFunc(files, func(f fs.DirEntry) bool { return f.Name() == name+".parquet" })
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
