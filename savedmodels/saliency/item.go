package saliency

import (
	"fmt"

	"upi/setting"
)

// NewExplanation returns the explanation of an item's kind with its settings.
func NewExplanation(item setting.Item) (Explanation, error) {
	build := Kinds[item.Kind]
	if build == nil {
		return nil, fmt.Errorf("explanation of unknown kind %q", item.Kind)
	}
	e := build()
	return e, item.Decode(e)
}
