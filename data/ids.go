package data

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
)

// maxUnordered bounds the images of a dataset whose ids do not rise from row to row; finding one that occurs twice takes 16
// bytes for each.
const maxUnordered = 1 << 25

type idRow struct{ id, row int64 }

// checkIDs returns an error that names both places of an id that occurs twice. Positions, which stand in where a shard has no
// id column, count as ids too: a set of which only some shards have the column could otherwise clash.
func checkIDs(shards []Shard) error {
	last, rising := int64(math.MinInt64), true
	for _, s := range shards {
		if err := s.eachID(func(row, id int64) {
			rising = rising && id > last
			last = id
		}); err != nil {
			return fmt.Errorf("read ids: %w", err)
		}
	}
	if rising {
		return nil
	}
	seen, err := sortedIDs(shards)
	if err != nil {
		return fmt.Errorf("read ids: %w", err)
	}
	for i := 1; i < len(seen); i++ {
		if a, b := seen[i-1], seen[i]; a.id == b.id {
			return fmt.Errorf("id %d is given to %s and to %s; ids must differ, since random numbers belong to them", a.id, place(shards, a.row), place(shards, b.row))
		}
	}
	return nil
}

func sortedIDs(shards []Shard) ([]idRow, error) {
	end := shards[len(shards)-1]
	if n := end.FirstRow + end.Rows; n > maxUnordered {
		return nil, fmt.Errorf("%d images are too many for ids in no order; sort the shards by id, or drop the column", n)
	}
	var seen []idRow
	for _, s := range shards {
		if err := s.eachID(func(row, id int64) { seen = append(seen, idRow{id, s.FirstRow + row}) }); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(seen, func(a, b idRow) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.row, b.row)) })
	return seen, nil
}

// eachID visits the rows of a shard, from 0, with their ids.
func (s Shard) eachID(visit func(row, id int64)) error {
	r, err := s.open(context.Background(), false)
	if err != nil {
		return err
	}
	defer r.Close()
	for ; ; r.row++ {
		id, err := r.nextID()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		visit(r.row, id)
	}
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
