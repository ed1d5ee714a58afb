package report

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
)

// gapCSV stands for a number that is not there: an empty cell, which pandas, R, DuckDB and Polars read as missing. A word there would make
// the column one of texts to some of them.
const gapCSV = ""

// metricColumns are the columns of each metric in the CSV file, with the metric's name before them.
var metricColumns = []string{"mean", "std_error", "seed_std_dev", "difference", "low", "high", "images", "left_out", "perturbations"}

// writeCSV writes one line per record with all digits of its numbers.
func writeCSV(w io.Writer, r records) error {
	c := csv.NewWriter(w)
	header := []string{"target", "explanation", "fitted_for", "other", "source", "diagonal", "kind", "role", "method", "norm", "eps"}
	for _, m := range r.Metrics {
		for _, column := range metricColumns {
			header = append(header, m+"_"+column)
		}
	}
	if err := c.Write(header); err != nil {
		return fmt.Errorf("write header: %w", err)
	}
	for i, row := range r.Rows {
		line := []string{row.Target, row.Explanation, cmp.Or(row.FittedFor, row.Explanation), row.Other, row.Source, strconv.FormatBool(row.Diagonal), row.Kind, string(row.Role), row.Method, row.Norm, digits(&row.Eps)}
		for _, m := range r.Metrics {
			cell, known := row.Cells[m]
			if !known {
				for range metricColumns {
					line = append(line, gapCSV)
				}
				continue
			}
			line = append(line, digits(cell.Mean), digits(cell.StdError), digits(cell.SeedStdDev), digits(cell.Difference), digits(cell.Low), digits(cell.High),
				strconv.FormatInt(cell.Images, 10), strconv.FormatInt(cell.LeftOut, 10), strconv.FormatInt(cell.Perturbations, 10))
		}
		if err := c.Write(line); err != nil {
			return fmt.Errorf("write row %d: %w", i, err)
		}
	}
	c.Flush()
	return c.Error()
}

func digits(v *float64) string {
	if v == nil {
		return gapCSV
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}
