// Package compare compares the results of two runs, image by image, and holds results against conditions.
package compare

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"

	"upi/data"
	"upi/data/table"
	"upi/results"
	"upi/stats"
)

// A Row names a row of a table: what was scored, on what.
type Row struct {
	Method      string  `json:"method"`
	Source      string  `json:"source"`
	Target      string  `json:"target"` // the model that is scored on
	Explanation string  `json:"explanation"`
	Norm        string  `json:"norm"`
	Eps         float64 `json:"eps"`
}

// A scoreRow is what is read of a row of scores.
type scoreRow[ID int64 | string] struct {
	Method      string    `parquet:"method"`
	Source      string    `parquet:"source"`
	Norm        string    `parquet:"norm"`
	Eps         float64   `parquet:"eps"`
	Model       string    `parquet:"model"`
	Explanation string    `parquet:"explanation"`
	ImageID     ID        `parquet:"image_id"`
	Metrics     []float64 `parquet:",columns"`
}

// A mean is that of an image's values over seeds and draws.
type mean struct {
	sum   float64
	count int
}

// scores are the values of each image by row, metric and image.
type scores map[Row]map[string]map[int64]mean

// readScores reads the scores of a run: values that are not defined are left out. A run without a scored image has none.
func readScores(run string) (scores, error) {
	paths, err := filepath.Glob(filepath.Join(run, results.ScoresDir, "*.parquet"))
	if err != nil {
		return nil, fmt.Errorf("list scores: %w", err)
	}
	all := scores{}
	for _, path := range paths {
		err := addScores(all, path, func(id int64) int64 { return id })
		if err != nil {
			// The ids of a file may be texts.
			if text := addScores(all, path, data.TextID); text != nil {
				return nil, errors.Join(err, text)
			}
		}
	}
	return all, nil
}

func addScores[ID int64 | string](all scores, path string, number func(ID) int64) error {
	r, err := table.Open[scoreRow[ID]](path)
	if err != nil {
		return err
	}
	defer r.Close()
	err = r.Each(func(row *scoreRow[ID]) error {
		key := Row{row.Method, row.Source, row.Model, row.Explanation, row.Norm, row.Eps}
		metrics := all[key]
		if metrics == nil {
			metrics = map[string]map[int64]mean{}
			all[key] = metrics
		}
		id := number(row.ImageID)
		for i, name := range r.Columns() {
			if math.IsNaN(row.Metrics[i]) {
				continue
			}
			images := metrics[name]
			if images == nil {
				images = map[int64]mean{}
				metrics[name] = images
			}
			m := images[id]
			images[id] = mean{m.sum + row.Metrics[i], m.count + 1}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// images are the values of a cell.
func (s scores) images(row Row, metric string) []stats.Observation {
	values := make([]stats.Observation, 0, len(s[row][metric]))
	for id, m := range s[row][metric] {
		values = append(values, stats.Observation{ID: id, Value: m.sum / float64(m.count)})
	}
	slices.SortFunc(values, func(a, b stats.Observation) int { return cmp.Compare(a.ID, b.ID) })
	return values
}

// A tableCell is what is read of a cell. It leaves out the columns that were added later, so that a run is compared with one of an
// earlier version too.
type tableCell struct {
	Method      string   `parquet:"method"`
	Source      string   `parquet:"source"`
	Target      string   `parquet:"target"`
	Explanation string   `parquet:"explanation"`
	Norm        string   `parquet:"norm"`
	Eps         float64  `parquet:"eps"`
	Metric      string   `parquet:"metric"`
	Images      int64    `parquet:"images"`
	Mean        *float64 `parquet:"mean"`
	StdError    *float64 `parquet:"std_error"`
	Difference  *float64 `parquet:"difference"`
	Low         *float64 `parquet:"low"`
	High        *float64 `parquet:"high"`
}

func (c tableCell) row() Row {
	return Row{c.Method, c.Source, c.Target, c.Explanation, c.Norm, c.Eps}
}

// readCells reads the summary of a run and, where there is one, what its transfer table has beside it.
func readCells(run string) ([]tableCell, error) {
	var all []tableCell
	type key struct {
		Row
		metric string
	}
	known := map[key]bool{}
	for _, name := range []string{results.SummaryTable, results.TransferTable} {
		cells, err := table.ReadAll[tableCell](filepath.Join(run, results.TablesDir, name+".parquet"))
		if name == results.TransferTable && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, c := range cells {
			if k := (key{c.row(), c.Metric}); !known[k] {
				known[k] = true
				all = append(all, c)
			}
		}
	}
	return all, nil
}
