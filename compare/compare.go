package compare

import (
	"math"

	"upi/stats"
)

// A Mean is that of a cell of a table.
type Mean struct {
	// Mean and StdError are nil where the run could not compute them.
	Mean     *float64 `json:"mean"`
	StdError *float64 `json:"std_error"`
	Images   int64    `json:"images"`
}

// A Cell is one number of two runs.
type Cell struct {
	Row
	Metric string `json:"metric"`
	// Before and After are what the tables say; nil where a run was not asked for the cell.
	Before *Mean `json:"before"`
	After  *Mean `json:"after"`
	// Images is the number of images that both runs have scored. Difference is the mean over them of after - before, Low and High its
	// paired bootstrap 95 % interval; nil without such images, the interval also for a single one.
	Images     int      `json:"images"`
	Difference *float64 `json:"difference"`
	Low        *float64 `json:"low"`
	High       *float64 `json:"high"`
}

// Differs says whether the two runs have different numbers here: another mean, by more than is shown, or other images.
func (c Cell) Differs() bool {
	if c.Before == nil || c.After == nil {
		return true
	}
	if c.Before.Images != c.After.Images || (c.Before.Mean == nil) != (c.After.Mean == nil) {
		return true
	}
	const shown = 5e-7
	return c.Before.Mean != nil && math.Abs(*c.Before.Mean-*c.After.Mean) > shown
}

// Runs compares the cells of two runs: those of the run after in its order, then those that only the run before has.
func Runs(before, after string) ([]Cell, error) {
	was, err := readCells(before)
	if err != nil {
		return nil, err
	}
	is, err := readCells(after)
	if err != nil {
		return nil, err
	}
	then, err := readScores(before)
	if err != nil {
		return nil, err
	}
	now, err := readScores(after)
	if err != nil {
		return nil, err
	}
	old := map[Cell]tableCell{}
	for _, c := range was {
		old[Cell{Row: c.row(), Metric: c.Metric}] = c
	}
	var all []Cell
	for _, c := range is {
		cell := Cell{Row: c.row(), Metric: c.Metric}
		before, both := old[cell]
		delete(old, cell)
		cell.After = meanOf(c)
		if both {
			cell.Before = meanOf(before)
			if err := cell.pair(then, now); err != nil {
				return nil, err
			}
		}
		all = append(all, cell)
	}
	for _, c := range was {
		if _, left := old[Cell{Row: c.row(), Metric: c.Metric}]; left {
			all = append(all, Cell{Row: c.row(), Metric: c.Metric, Before: meanOf(c)})
		}
	}
	return all, nil
}

func meanOf(c tableCell) *Mean { return &Mean{c.Mean, c.StdError, c.Images} }

// pair compares the images that both runs have scored.
func (c *Cell) pair(before, after scores) error {
	pairs, err := stats.Pair(after.images(c.Row, c.Metric), before.images(c.Row, c.Metric))
	if err != nil {
		return err
	}
	c.Images = len(pairs.Values)
	if c.Images == 0 {
		return nil
	}
	interval, err := stats.Bootstrap{}.Mean(pairs.Values)
	if err != nil {
		return err
	}
	c.Difference, c.Low, c.High = stats.Defined(stats.Of(pairs.Values...).Mean), stats.Defined(interval.Low), stats.Defined(interval.High)
	return nil
}
