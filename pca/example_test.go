package pca_test

import (
	"fmt"
	"log"

	"upi/pca"
)

// The rows come in two shards; on each pass both are multiplied and added up.
func Example() {
	shards := [][]float32{
		{3, 4, 0, 6, 8, 0},
		{0, 0, 1, -3, -4, 0},
	}
	solver, err := pca.New(3, pca.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for !solver.Done() {
		block := solver.Block()
		for _, rows := range shards {
			a := pca.NewAccumulator(block, nil)
			if err := a.Add(rows); err != nil {
				log.Fatal(err)
			}
			if err := solver.Add(0, a.Partial()); err != nil {
				log.Fatal(err)
			}
		}
		if err := solver.Step(); err != nil {
			log.Fatal(err)
		}
	}
	result, err := solver.Result()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f, explaining %.1f %%: %s\n", result.Vector, 100*result.Terms[0].Share, result.Status)
	// Output: [0.600 0.800 0.000], explaining 99.3 %: converged
}
