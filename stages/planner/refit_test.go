package planner

import "testing"

// TestRefit: resizing is no cure for channels.
func TestRefit(t *testing.T) {
	for _, c := range []struct {
		want, there [3]int
		says        string
	}{
		{[3]int{8, 8, 3}, [3]int{9, 8, 3}, "data.resize brings pictures to another size"},
		{[3]int{8, 8, 1}, [3]int{8, 8, 3}, "import the pictures with --channels 1"},
		{[3]int{8, 8, 3}, [3]int{9, 9, 1}, "import the pictures with --channels 3, and data.resize brings them to another size"},
		{[3]int{8, 8, 4}, [3]int{8, 8, 3}, "this network wants pictures of 4 channels, which no import makes"},
	} {
		if got := Refit(c.want, c.there); got != c.says {
			t.Errorf("%v of %v: %s", c.want, c.there, got)
		}
	}
}
