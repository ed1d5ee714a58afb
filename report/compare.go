package report

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"text/tabwriter"

	"upi/data/table"
	"upi/results"
)

// A comparedCell is what of a cell is compared. It leaves out the columns that were added later, so that a run is compared with
// one of an earlier version too.
type comparedCell struct {
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
}

// cellKey names a cell across runs.
type cellKey struct {
	rowKey
	metric string
}

func (c comparedCell) key() cellKey {
	return cellKey{rowKey{c.Source, c.Target, c.Explanation, c.Method, c.Norm, c.Eps}, c.Metric}
}

// Compare writes the cells of the summary tables of two runs that differ, with the difference of their means and its 95 %
// interval (1.96 standard errors, the two means taken as independent: for the same images that is wider than need be), and the
// cells that only one run has. It returns how many lines it wrote.
func Compare(w io.Writer, before, after string) (int, error) {
	old, err := readSummary(before)
	if err != nil {
		return 0, err
	}
	now, err := readSummary(after)
	if err != nil {
		return 0, err
	}
	then := map[cellKey]comparedCell{}
	for _, c := range old {
		then[c.key()] = c
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	lines := 0
	for _, c := range now {
		was, ok := then[c.key()]
		delete(then, c.key())
		switch {
		case !ok:
			fmt.Fprintf(out, "cell %s\tonly in %s\t%s\n", nameOf(c), after, meanOf(c))
		case meanOf(was) != meanOf(c) || was.Images != c.Images:
			fmt.Fprintf(out, "cell %s\t%s -> %s\t%s\timages %d -> %d\n", nameOf(c), meanOf(was), meanOf(c), differenceOf(was, c), was.Images, c.Images)
		default:
			continue
		}
		lines++
	}
	for _, c := range old {
		if _, left := then[c.key()]; left {
			fmt.Fprintf(out, "cell %s\tonly in %s\t%s\n", nameOf(c), before, meanOf(c))
			lines++
		}
	}
	return lines, out.Flush()
}

func readSummary(dir string) ([]comparedCell, error) {
	return table.ReadAll[comparedCell](filepath.Join(dir, results.TablesDir, results.SummaryTable+".parquet"))
}

func nameOf(c comparedCell) string {
	return fmt.Sprintf("%s %s %s %s %g %s", c.Source, c.Explanation, c.Method, c.Norm, c.Eps, c.Metric)
}

func meanOf(c comparedCell) string {
	if c.Mean == nil {
		return "missing"
	}
	return fmt.Sprintf("%.6f", *c.Mean)
}

func differenceOf(was, is comparedCell) string {
	if was.Mean == nil || is.Mean == nil {
		return "missing"
	}
	difference := *is.Mean - *was.Mean
	if was.StdError == nil || is.StdError == nil {
		return fmt.Sprintf("%+.4f", difference)
	}
	half := 1.96 * math.Hypot(*was.StdError, *is.StdError)
	return fmt.Sprintf("%+.4f [%+.4f, %+.4f]", difference, difference-half, difference+half)
}
