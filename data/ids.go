package data

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
)

// idCheck finds ids that occur twice in a dataset. It keeps 16 bytes for each image that has an id.
type idCheck struct {
	seen []idRow
}

type idRow struct{ id, row int64 }

// add reads the ids of a shard. Positions, which stand in where there is no id column, count as ids too: a set of which only
// some shards have the column could otherwise clash.
func (c *idCheck) add(s Shard) error {
	r, err := s.open(context.Background(), false)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		id, err := r.nextID()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		c.seen = append(c.seen, idRow{id, s.FirstRow + r.row})
		r.row++
	}
}

// check returns an error that names both places of an id that occurs twice.
func (c *idCheck) check(shards []Shard) error {
	byID := func(a, b idRow) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.row, b.row)) }
	if !slices.IsSortedFunc(c.seen, byID) {
		slices.SortFunc(c.seen, byID)
	}
	for i := 1; i < len(c.seen); i++ {
		if a, b := c.seen[i-1], c.seen[i]; a.id == b.id {
			return fmt.Errorf("id %d is given to %s and to %s; ids must differ, since random numbers belong to them", a.id, place(shards, a.row), place(shards, b.row))
		}
	}
	return nil
}

// place names the file and the row in it of a position in the dataset.
func place(shards []Shard, row int64) string {
	for _, s := range shards {
		if row < s.FirstRow+s.Rows {
			return fmt.Sprintf("row %d of %s", row-s.FirstRow, s.Path)
		}
	}
	return fmt.Sprintf("row %d", row)
}
