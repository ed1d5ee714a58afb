package savedmodels

import (
	"fmt"
)

// cutHead ends the graph at the logits.
func (m *Model) cutHead() error {
	m.head = HeadLogits
	if m.options.Head == HeadLogits {
		return nil
	}
	logits, found := m.graph.Logits()
	if !found {
		if m.options.Head == HeadSoftmax {
			m.head, m.logOutput = HeadSoftmax, true
		}
		return nil
	}
	m.head = HeadSoftmax
	cut, err := m.graph.WithOutput(logits)
	if err != nil {
		return fmt.Errorf("cut the softmax off: %w", err)
	}
	m.graph = cut
	return nil
}
