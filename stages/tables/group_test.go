package tables

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"upi/stats"
)

// TestMeasureGathersByID compares with a plain map from ids, of members whose images differ, come in any order and have no value.
func TestMeasureGathersByID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &group{}
		same := rapid.Bool().Draw(t, "same images")
		ids := rapid.Custom(func(t *rapid.T) []int64 {
			ids := rapid.SliceOfNDistinct(rapid.Int64Range(-9, 9), 0, 12, rapid.ID).Draw(t, "ids")
			if rapid.Bool().Draw(t, "sorted") {
				slices.Sort(ids)
			}
			return ids
		})
		shared := ids.Draw(t, "shared")
		sums, counts, seen := map[int64]float64{}, map[int64]float64{}, map[int64]bool{}
		for range rapid.IntRange(1, 4).Draw(t, "members") {
			own := Scores{IDs: shared, Values: [][]float64{nil}}
			if !same {
				own.IDs = ids.Draw(t, "own")
			}
			for _, id := range own.IDs {
				value := rapid.SampledFrom([]float64{1, 2.5, -7, math.NaN()}).Draw(t, "value")
				own.Values[0] = append(own.Values[0], value)
				seen[id] = true
				if !math.IsNaN(value) {
					sums[id] += value
					counts[id]++
				}
			}
			g.scores = append(g.scores, own)
		}
		var want []stats.Observation
		for id, sum := range sums {
			want = append(want, stats.Observation{ID: id, Value: sum / counts[id]})
		}
		slices.SortFunc(want, func(a, b stats.Observation) int { return cmp.Compare(a.ID, b.ID) })
		if got := g.measure(0).images; !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		if got := g.counting(); got != len(seen) {
			t.Fatalf("%d images count, want %d", got, len(seen))
		}
	})
}
