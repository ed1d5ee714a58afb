package preflight

import "testing"

// answersOf are n images of each label, the answers of which are right by the order, but for every fifth of a label's images.
func answersOf(n int, order []int64) (labels, answers []int64) {
	for label, class := range order {
		for i := range n {
			answer := class
			if i%5 == 4 {
				answer = (class + int64(i)) % int64(len(order))
			}
			labels, answers = append(labels, int64(label)), append(answers, answer)
		}
	}
	return labels, answers
}

func TestFindOrder(t *testing.T) {
	shift := make([]int64, 500)
	for k := range shift {
		shift[k] = int64(k+1) % 500
	}
	for _, c := range []struct {
		what  string
		n     int
		order []int64
		want  string // of the order found; empty if none should be
		right int
	}{
		{"swapped", 20, []int64{0, 2, 1, 3, 5, 4, 7, 6}, "class 0 for label 0, 2 for 1, 1 for 2, 3 for 3, 5 for 4, 4 for 5, 7 for 6, 6 for 7", 128},
		{"the labels' own", 20, []int64{0, 1, 2, 3}, "", 0},
		{"two of one class", 20, []int64{1, 1, 3, 2}, "", 0},
		{"one answer to all", 20, []int64{2, 2, 2, 2}, "", 0},
		{"half of the accuracy is there", 20, []int64{0, 1, 2, 3, 5, 4}, "", 0},
		{"off by one, one image each", 1, shift, "class = label +1", 499},
		{"off by one, two images in all", 1, []int64{1, 0}, "", 0},
	} {
		labels, answers := answersOf(c.n, c.order)
		o, found := FindOrder(labels, answers, len(c.order))
		if found != (c.want != "") {
			t.Errorf("%s: found %v: %s", c.what, found, o)
		} else if found && (o.String() != c.want || o.Right != c.right) {
			t.Errorf("%s: %s, right %d; want %s, right %d", c.what, o, o.Right, c.want, c.right)
		}
	}
}
