package stages

import (
	"errors"
	"io"
	"math"
	"path/filepath"

	"upi/data/table"
)

// columns are the scores of one perturbation on one target under one sign: image after image, and for each metric a value per
// image, NaN where it is not defined. A run has as many as perturbations times targets, so they are kept lean.
type columns struct {
	ids, labels []int64
	values      [][]float64
}

// readScores reads artefacts of the stage evaluate, and parts the signs.
func readScores(dirs []string, metrics []string) (plus, minus columns, err error) {
	plus.values, minus.values = make([][]float64, len(metrics)), make([][]float64, len(metrics))
	for _, dir := range dirs {
		r, err := table.Open[scoreRow](filepath.Join(dir, scoresFile))
		if err != nil {
			return plus, minus, err
		}
		for {
			var row scoreRow
			if err = r.Next(&row); err != nil {
				break
			}
			if row.Sign < 0 {
				minus.add(row, metrics)
			} else {
				plus.add(row, metrics)
			}
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		if err := errors.Join(err, r.Close()); err != nil {
			return plus, minus, err
		}
	}
	return plus, minus, nil
}

func (c *columns) add(row scoreRow, metrics []string) {
	c.ids = append(c.ids, row.ID)
	c.labels = append(c.labels, row.Label)
	for m, name := range metrics {
		value, ok := row.Metrics[name]
		if !ok {
			value = math.NaN()
		}
		c.values[m] = append(c.values[m], value)
	}
}

// metrics returns the values of image number i that are defined.
func (c *columns) metrics(i int, names []string) map[string]float64 {
	defined := make(map[string]float64, len(names))
	for m, name := range names {
		if value := c.values[m][i]; !math.IsNaN(value) {
			defined[name] = value
		}
	}
	return defined
}

// total adds up the values of metric number m, undefined ones left out.
func (c *columns) total(m int) float64 {
	sum := 0.0
	for _, value := range c.values[m] {
		if !math.IsNaN(value) {
			sum += value
		}
	}
	return sum
}
