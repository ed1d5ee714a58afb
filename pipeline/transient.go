package pipeline

import (
	"errors"

	"upi/pipeline/cache"
)

// Spared says of each task of the plan whether it is transient and every task that reads its artefact is in the cache: it need not run
// then, whether its own artefact is there or not. Executors that do not look run it again, for nothing.
func Spared(plan *Plan, store *cache.Store) ([]bool, error) {
	spared := make([]bool, len(plan.tasks))
	var readers children
	found := map[int32]bool{}
	for i, t := range plan.tasks {
		if !t.Transient {
			continue
		}
		if readers.from == nil {
			readers = newChildren(plan)
		}
		spared[i] = len(readers.at(i)) > 0
		for _, child := range readers.at(i) {
			there, known := found[child]
			if !known {
				reader := plan.tasks[child]
				a, err := store.Lookup(reader.Stage, reader.Key)
				var damaged *cache.DamagedError
				if err != nil && !errors.As(err, &damaged) {
					return nil, err
				}
				there = a != nil
				found[child] = there
			}
			spared[i] = spared[i] && there
		}
	}
	return spared, nil
}
