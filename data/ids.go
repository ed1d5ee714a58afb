package data

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"upi/data/column"
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
			if one, other := nameAt(shards, a.row), nameAt(shards, b.row); one != other {
				return fmt.Errorf("the ids %q of %s and %q of %s have the same number %d; rename one of them", one, place(shards, a.row), other, place(shards, b.row), a.id)
			} else if one != "" {
				return fmt.Errorf("id %q is given to %s and to %s; ids must differ, since random numbers belong to them (data.id: none, or --id none, reads none)", one, place(shards, a.row), place(shards, b.row))
			}
			return fmt.Errorf("id %d is given to %s and to %s; ids must differ, since random numbers belong to them (data.id: none, or --id none, reads none)", a.id, place(shards, a.row), place(shards, b.row))
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
	return s.eachName(func(row, id int64, _ string) { visit(row, id) })
}

func (s Shard) eachName(visit func(row, id int64, name string)) error {
	f, err := openSource(s.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := &Reader{shard: s, file: f}
	if r.ids, err = f.ids(s.Columns); err != nil {
		return err
	}
	for ; r.row < s.Rows; r.row++ {
		id, name, err := r.id()
		if errors.As(err, new(*column.CursorError)) {
			return r.at(err)
		}
		if err == nil { // else the row cannot be read, which whoever reads it will hear
			visit(r.row, id, name)
		}
	}
	return nil
}

// nameAt is the text of the id at a position in the dataset, "" where ids are numbers.
func nameAt(shards []Shard, position int64) (found string) {
	for _, s := range shards {
		if position < s.FirstRow+s.Rows {
			// What could be read once is read again.
			_ = s.eachName(func(row, _ int64, name string) {
				if row == position-s.FirstRow {
					found = name
				}
			})
			return found
		}
	}
	return ""
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
