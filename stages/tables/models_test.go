package tables

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"upi/results"
)

// TestCleanRow: the numbers are numpy 2's, of hits = [1, 1, 0, 1, 0]: mean 0.6, std(ddof=1)/sqrt(5) 0.24494897427831780; of the labels
// [3, 3, 1, 3, 2] the largest share 0.6. What is 0 or 1 in float32 is np.float32's word: float32(1 - 2e-8) is 1 and float32(1e-46) is 0,
// float32(1 - 6e-8) and float32(1e-44) are neither.
func TestCleanRow(t *testing.T) {
	c := Clean{Model: "m", Split: results.FitSplit, Explanation: "sg", Classes: 8, Images: 7}
	got := c.Row(slices.Values([]CleanImage{
		{3, 3, 1 - 2e-8, 0},
		{3, 3, 1 - 6e-8, 1e-30},
		{1, 3, 1e-46, math.NaN()},
		{3, 3, 1e-44, math.Inf(1)},
		{2, 3, 0.5, 4},
	}))
	if got.StdError == nil || math.Abs(*got.StdError-0.24494897427831780) > 1e-15 {
		t.Errorf("standard error %v", valueOf(got.StdError))
	}
	got.StdError = nil
	share := 0.6
	want := results.Model{Model: "m", Split: "fit", Explanation: "sg", Classes: 8, Images: 5, Missing: 2, Right: 3, Accuracy: &share,
		Commonest: &share, Uniform: 0.125, Saturated: 2, NoMap: 1, NotFinite: 2}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestCleanRowOfFew: there is no accuracy of no image, and no standard error of one.
func TestCleanRowOfFew(t *testing.T) {
	c := Clean{Classes: 10, Images: 1}
	if r := c.Row(slices.Values[[]CleanImage](nil)); r.Accuracy != nil || r.StdError != nil || r.Commonest != nil || r.Missing != 1 || r.Images != 0 {
		t.Errorf("no image: %+v", r)
	}
	if r := c.Row(slices.Values([]CleanImage{{1, 2, 0.1, 1}})); valueOf(r.Accuracy) != 0 || r.StdError != nil || valueOf(r.Commonest) != 1 {
		t.Errorf("one image: %+v", r)
	}
}
