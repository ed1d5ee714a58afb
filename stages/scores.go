package stages

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"upi/data/table"
	"upi/stages/tables"
)

// readScores reads artefacts of the stage evaluate, and parts the signs.
func readScores(dirs []string, metrics []string) (plus, minus tables.Scores, err error) {
	plus.Values, minus.Values = make([][]float64, len(metrics)), make([][]float64, len(metrics))
	for _, dir := range dirs {
		if err := readScoreRows(filepath.Join(dir, scoresFile), metrics, &plus, &minus); err != nil {
			return plus, minus, err
		}
	}
	return plus, minus, nil
}

func readScoreRows(path string, metrics []string, plus, minus *tables.Scores) (err error) {
	r, err := table.Open[scoreRow](path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if !slices.Equal(r.Columns(), metrics) {
		return fmt.Errorf("read scores %s: its metrics are %q, want %q", path, r.Columns(), metrics)
	}
	var row scoreRow
	for {
		if err := r.Next(&row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		to := plus
		if row.Sign < 0 {
			to = minus
		}
		to.IDs, to.Labels = append(to.IDs, row.ID), append(to.Labels, row.Label)
		if row.Name != "" {
			to.Names = append(to.Names, row.Name)
		}
		for m, value := range row.Metrics {
			to.Values[m] = append(to.Values[m], value)
		}
	}
}
