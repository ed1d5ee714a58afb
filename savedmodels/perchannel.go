package savedmodels

import (
	"encoding/json"
	"fmt"
)

// PerChannel is one number for all channels of the network's input, or one for each, in the order in which the network has them.
// In JSON a single number is no list.
type PerChannel []float64

// MarshalJSON writes a number or a list.
func (p PerChannel) MarshalJSON() ([]byte, error) {
	switch len(p) {
	case 0:
		return []byte("0"), nil
	case 1:
		return json.Marshal(p[0])
	}
	return json.Marshal([]float64(p))
}

// UnmarshalJSON reads a number or a list.
func (p *PerChannel) UnmarshalJSON(text []byte) error {
	var one float64
	if json.Unmarshal(text, &one) == nil {
		*p = PerChannel{one}
		return nil
	}
	var list []float64
	if err := json.Unmarshal(text, &list); err != nil {
		return fmt.Errorf("want a number or a list of one per channel: %w", err)
	}
	*p = list
	return nil
}

// unless is p, or the given number if p is empty or a single 0.
func (p PerChannel) unless0(otherwise float64) PerChannel {
	if len(p) == 0 || len(p) == 1 && p[0] == 0 {
		return PerChannel{otherwise}
	}
	return p
}

// all reports whether every channel has the number v.
func (p PerChannel) all(v float64) bool {
	for _, x := range p {
		if x != v {
			return false
		}
	}
	return true
}

// fits is an error unless p is one number or one per channel.
func (p PerChannel) fits(what string, channels int) error {
	if len(p) == 1 || len(p) == channels {
		return nil
	}
	return fmt.Errorf("input.%s has %d numbers for images of %d channels: want one, or one per channel", what, len(p), channels)
}

// floats is p as a constant that is broadcast over images of NHWC.
func (p PerChannel) floats() any {
	if len(p) == 1 {
		return float32(p[0])
	}
	values := make([]float32, len(p))
	for i, v := range p {
		values[i] = float32(v)
	}
	return values
}
