package savedmodels

import (
	"fmt"
	"math"
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

// CheckScores looks at the logits of some images, as a session computed them: whether the output is what the head says. The error
// says which head to name in the options: softmax if probabilities that no softmax op makes, such as the mean of two softmaxes,
// were taken for logits; logits if scores that do not add up to 1 were taken for probabilities.
func (m *Model) CheckScores(logits []float32) error {
	images := len(logits) / m.classes
	alike := 0
	for i := range images {
		least, sum, exponentials := math.Inf(1), 0.0, 0.0
		for _, score := range logits[i*m.classes : (i+1)*m.classes] {
			z := float64(score)
			least, sum, exponentials = min(least, z), sum+z, exponentials+math.Exp(z)
		}
		if m.logOutput && math.Abs(exponentials-1) > 0.02 {
			return fmt.Errorf("the output of %s is not probabilities: for an image they add up to %.3g; its head is %s", m.dir, exponentials, HeadLogits)
		}
		if least >= 0 && math.Abs(sum-1) < 1e-3 {
			alike++
		}
	}
	// One image alone may be chance.
	if m.options.Head == HeadAuto && m.head == HeadLogits && alike == images && images > 1 {
		return fmt.Errorf("the output of %s looks like probabilities that no softmax op makes: say head: %s, or head: %s if it is logits", m.dir, HeadSoftmax, HeadLogits)
	}
	return nil
}
