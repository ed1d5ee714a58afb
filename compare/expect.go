package compare

import (
	"fmt"
	"math"

	"upi/pipeline/config"
	"upi/pipeline/manifest"
	"upi/stats"
)

// Expect holds the tables of a run against what its configuration expects. A cell without the number does not meet a condition, and a
// condition that looks at no cell does not hold.
func Expect(run string, all []config.Expectation) ([]manifest.Expectation, error) {
	cells, err := readCells(run)
	if err != nil {
		return nil, err
	}
	outcomes := make([]manifest.Expectation, len(all))
	for i, e := range all {
		outcomes[i] = expect(e, cells)
	}
	return outcomes, nil
}

func expect(e config.Expectation, cells []tableCell) manifest.Expectation {
	o := manifest.Expectation{Condition: e.String(), Holds: true}
	of := Selection{e.Method, e.Source, e.Target, e.Explanation, e.Norm, float64(e.Eps)}
	looked := false
	for _, c := range cells {
		if c.Metric != e.Metric || !of.has(c.row()) {
			continue
		}
		looked = true
		value := c.value(e.Value)
		switch {
		case value == nil:
			o.Found = append(o.Found, fmt.Sprintf("%s has none", c.row()))
		case e.Above != nil && !(*value > *e.Above), e.Below != nil && !(*value < *e.Below):
			o.Found = append(o.Found, fmt.Sprintf("%s has %.6g", c.row(), *value))
		}
	}
	if !looked {
		o.Found = []string{"the tables have no such cell"}
	}
	o.Holds = len(o.Found) == 0
	return o
}

// String names the row for people.
func (r Row) String() string {
	on := r.Source
	if r.Target != r.Source {
		on += " -> " + r.Target
	}
	return fmt.Sprintf("%s %s %s %s %g", on, r.Explanation, r.Method, r.Norm, r.Eps)
}

// value is what of a cell an expectation tests, nil where there is none. The interval of the mean is 1.96 standard errors wide on
// either side.
func (c tableCell) value(name string) *float64 {
	const wide = 1.96
	end := func(side float64) *float64 {
		if c.Mean == nil || c.StdError == nil {
			return nil
		}
		return stats.Defined(*c.Mean + side*wide**c.StdError)
	}
	switch name {
	case "low":
		return end(-1)
	case "high":
		return end(+1)
	case "difference":
		return c.Difference
	case "difference_low":
		return c.Low
	case "difference_high":
		return c.High
	}
	if c.Mean == nil || math.IsNaN(*c.Mean) {
		return nil
	}
	return c.Mean
}

// A Number is a cell of a run's tables.
type Number struct {
	Row
	Metric string
	Mean
}

// Numbers lists the cells of a run's summary and, beside them, those of its transfer table.
func Numbers(run string) ([]Number, error) {
	cells, err := readCells(run)
	if err != nil {
		return nil, err
	}
	all := make([]Number, len(cells))
	for i, c := range cells {
		all[i] = Number{c.row(), c.Metric, *meanOf(c)}
	}
	return all, nil
}
