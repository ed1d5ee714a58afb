package report

import (
	"strings"

	"upi/results"
)

// WriteTables is what Build does of the tables alone, without drawing figures.
func WriteTables(dir string) error {
	r, err := openRun(dir)
	if err != nil {
		return err
	}
	return r.writeTables()
}

// ShareWithin is a share of so many images with its interval, as sentences have it.
var ShareWithin = shareWithin

// Tradeoffs are the lines of the first figure of maps moved against predictions changed, with what stands beside their points.
func Tradeoffs(dir, norm string) ([]string, error) {
	r, err := openRun(dir)
	if err != nil {
		return nil, err
	}
	t, _ := r.records(results.SummaryTable)
	var lines []string
	for _, line := range tradeoffsOf(r.settings, t, t.byTarget()[0], norm, map[string]int{}) {
		var points []string
		for i, row := range line.rows {
			points = append(points, row.Method+" ("+line.texts[i]+")")
		}
		lines = append(lines, line.name+": "+strings.Join(points, ", "))
	}
	return lines, nil
}
