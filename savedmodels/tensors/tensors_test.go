package tensors

import (
	"math"
	"testing"
)

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		shape []int64
		limit int64
		want  int64 // -1: an error
	}{
		{nil, 1, 1},
		{[]int64{2, 3, 4}, 24, 24},
		{[]int64{2, 3, 4}, 23, -1},
		{[]int64{7, 0}, 7, 0},
		{[]int64{2, -1}, 100, -1},
		// Their product is 0 in 64 bits, and 4 in the next.
		{[]int64{1 << 32, 1 << 32}, math.MaxInt64, -1},
		{[]int64{math.MaxInt64/2 + 2, 4}, math.MaxInt64, -1},
	} {
		got, err := Within(c.shape, c.limit)
		if (err != nil) != (c.want < 0) || err == nil && (got != c.want || Elements(c.shape) != c.want) {
			t.Errorf("%v within %d: %d, %v", c.shape, c.limit, got, err)
		}
	}
}
