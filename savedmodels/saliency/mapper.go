package saliency

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels"
)

// A Mapper computes saliency maps and logits. It is safe for concurrent use.
type Mapper struct {
	program
	logits, mapped, norm tf.Output
}

// NewMapper builds the graph of the maps of explanation e of model m.
func NewMapper(m *savedmodels.Model, e Explanation, s Settings) (*Mapper, error) {
	n := newNetwork(m, e, s.Surrogate, s.Batch)
	explanation, err := e.build(n, n.pixels)
	if err != nil {
		return nil, fmt.Errorf("build explanation: %w", err)
	}
	plain, err := n.answer()
	if err != nil {
		return nil, fmt.Errorf("build logits: %w", err)
	}
	mapper := &Mapper{logits: plain.logits}
	mapper.mapped, mapper.norm = n.saliencyMap(explanation)
	if mapper.program, err = open(n, e, s.Device); err != nil {
		return nil, err
	}
	return mapper, nil
}

// Maps are a Mapper's results for n images.
type Maps struct {
	// Map are the saliency maps, n x H x W, each divided by its L1 norm; 0 where that is 0.
	Map []float32
	// Norm are the n L1 norms before the division, of explanations that are known up to a positive factor: only whether one is 0
	// or not finite means something. An image whose norm is 0 has no map.
	Norm []float32
	// Logits are n rows as the model's head says.
	Logits []float32
	// Prediction are the n classes with the largest logits.
	Prediction []int
	// Probability are the n p_c of the classes that were asked for.
	Probability []float64
}

// Run returns the maps and logits of b. It is an error if the logits show that the model's output is not what its head says.
func (m *Mapper) Run(b Batch) (Maps, error) {
	n, err := m.check(b)
	if err != nil {
		return Maps{}, err
	}
	values, err := m.run(m.feeds(b, n), n,
		result{m.mapped, m.network.shape.Pixels()}, result{m.norm, 1}, result{m.logits, m.network.model.Head().Columns})
	if err != nil {
		return Maps{}, err
	}
	if err := m.network.model.CheckScores(values[2]); err != nil {
		return Maps{}, err
	}
	maps := Maps{Map: values[0], Norm: values[1], Logits: values[2], Prediction: make([]int, n), Probability: make([]float64, n)}
	head := m.network.model.Head()
	for i := range n {
		row := maps.Logits[i*head.Columns : (i+1)*head.Columns]
		maps.Prediction[i], maps.Probability[i] = head.Predict(row), head.Probability(row, int(b.Classes[i]))
	}
	return maps, nil
}
