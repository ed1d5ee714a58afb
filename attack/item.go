package attack

import (
	"fmt"

	"upi/setting"
)

// New returns the attack of an item's kind with its settings.
func New(item setting.Item) (Attack, error) {
	kind, ok := Kinds[item.Kind]
	if !ok {
		return nil, fmt.Errorf("attack of unknown kind %q", item.Kind)
	}
	a := kind.New()
	return a, item.Decode(a)
}
