package stages

import (
	"path/filepath"

	"upi/data/table"
	"upi/stages/tables"
)

// readSigns pools artefacts of the stage sign, those of one source after the other's.
func readSigns(sources ...[]string) ([]tables.SignRow, error) {
	var pooled []tables.SignRow
	for source, dirs := range sources {
		for _, dir := range dirs {
			rows, err := table.ReadAll[signRow](filepath.Join(dir, signFile))
			if err != nil {
				return nil, err
			}
			for _, row := range rows {
				pooled = append(pooled, tables.SignRow{Source: int64(source), ID: row.ID, Plus: row.Plus, Minus: row.Minus})
			}
		}
	}
	return pooled, nil
}
