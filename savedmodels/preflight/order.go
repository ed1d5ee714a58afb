package preflight

import (
	"fmt"
	"strings"
)

// An Order is one of the classes that explains a network's answers better than the labels' own numbers.
type Order struct {
	// Of is for each label the class that the network answers, -1 where too few images tell.
	Of []int
	// Right is the number of images that are right by it.
	Right int
}

// told is the number of images of a label below which they do not tell what the network answers to it.
const told = 3

// FindOrder looks for another order of the classes in the answers to images with these labels: each label has an answer that is given
// most often, no two labels the same, and with these at least half of the images are right, and twice as many as with the labels
// themselves. Where labels have few images each, all labels may be off by the same number.
func FindOrder(labels, answers []int64, classes int) (Order, bool) {
	counts, right := make([]map[int]int, classes), 0
	shifts := map[int]int{}
	for i, label := range labels {
		if counts[label] == nil {
			counts[label] = map[int]int{}
		}
		counts[label][int(answers[i])]++
		shifts[int(answers[i]-label)]++
		if answers[i] == label {
			right++
		}
	}
	enough := func(o Order) bool {
		return o.Right >= 2*right && 2*o.Right >= len(labels) && o.Right > right && len(labels) >= told
	}
	shifted, best := 0, 0
	for s, n := range shifts {
		if n > best || n == best && s < shifted {
			shifted, best = s, n
		}
	}
	if o := shiftOf(shifted, best, counts); shifted != 0 && enough(o) {
		return o, true
	}
	o, ok := dominant(counts)
	return o, ok && enough(o)
}

// shiftOf is the order in which the network's class is the label and shift, of the labels that have images.
func shiftOf(shift, right int, counts []map[int]int) Order {
	o := Order{Of: make([]int, len(counts)), Right: right}
	for label, answers := range counts {
		o.Of[label] = -1
		if answers != nil && label+shift >= 0 && label+shift < len(counts) {
			o.Of[label] = label + shift
		}
	}
	return o
}

// dominant takes for each label the answer given most often; false if two labels have the same.
func dominant(counts []map[int]int) (Order, bool) {
	o := Order{Of: make([]int, len(counts))}
	taken := map[int]bool{}
	for label, answers := range counts {
		images, most := 0, -1
		for answer, n := range answers {
			images += n
			if most < 0 || n > answers[most] || n == answers[most] && answer < most {
				most = answer
			}
		}
		o.Of[label] = -1
		if images < told {
			continue
		}
		if taken[most] {
			return o, false
		}
		taken[most] = true
		o.Of[label] = most
		o.Right += answers[most]
	}
	return o, true
}

// shown is how many labels are listed.
const shown = 20

// String reads "class 3 for label 0, 0 for 1, ..." or "the class of a label is the label + 1".
func (o Order) String() string {
	shift, same := 0, true
	var pairs []string
	for label, class := range o.Of {
		if class < 0 {
			continue
		}
		if len(pairs) == 0 {
			shift = class - label
		}
		same = same && class-label == shift
		pairs = append(pairs, fmt.Sprintf("%d for %d", class, label))
	}
	if same && len(pairs) > 1 {
		return fmt.Sprintf("class = label %+d", shift)
	}
	text := "class " + strings.Join(pairs[:min(len(pairs), shown)], ", ")
	if more := len(pairs) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return strings.Replace(text, " for ", " for label ", 1)
}
