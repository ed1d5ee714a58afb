package preflight

import (
	"context"
	"fmt"
	"math"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels"
	"upi/savedmodels/ops"
	"upi/savedmodels/runtime"
)

// A forward is a network alone, in a session.
type forward struct {
	model          *savedmodels.Model
	session        *runtime.Session
	pixels, logits tf.Output
	batch          int
}

// leastProbability is what the logarithm takes for 0.
const leastProbability = 1e-300

// forwardBatch is the batch of networks that leave it open: small, since nothing estimates its memory.
const forwardBatch = 8

func newForward(m *savedmodels.Model, d runtime.Device) (*forward, error) {
	p := &forward{model: m, batch: forwardBatch}
	if m.Batch() > 0 {
		p.batch = m.Batch()
	}
	g, shape := tf.NewGraph(), m.ImageShape()
	scope := ops.NewScope(g, "preflight")
	p.pixels = scope.Placeholder(tf.Float, int64(p.batch), int64(shape[0]), int64(shape[1]), int64(shape[2]))
	if err := scope.Err(); err != nil {
		return nil, fmt.Errorf("build graph: %w", err)
	}
	var err error
	if p.logits, err = m.Build(g, "network", p.pixels, savedmodels.BuildOptions{}); err != nil {
		return nil, err
	}
	if p.session, err = runtime.NewSession(g, d); err != nil {
		return nil, err
	}
	if err := p.session.Initialize(m.Initialize); err != nil {
		p.session.Close()
		return nil, err
	}
	return p, nil
}

// try returns what a scaling gives, and the network's class of each image.
func (p *forward) try(ctx context.Context, images Images, s Scaling) (Trial, []int64, error) {
	t := Trial{Scaling: s.String()}
	shape, head := p.model.ImageShape(), p.model.Head()
	size := shape[0] * shape[1] * shape[2]
	image, batch, logits := make([]float32, size), make([]float32, p.batch*size), make([]float32, p.batch*head.Columns)
	answers := make([]int64, 0, len(images.Labels))
	for lo := 0; lo < len(images.Labels); lo += p.batch {
		if err := ctx.Err(); err != nil {
			return t, nil, err
		}
		labels := images.Labels[lo:min(lo+p.batch, len(images.Labels))]
		for k := range labels {
			if err := images.Read(lo+k, image); err != nil {
				return t, nil, err
			}
			s.apply(batch[k*size:(k+1)*size], image, shape[2])
		}
		err := p.session.Run([]runtime.Feed{{To: p.pixels, Floats: batch}}, []runtime.Fetch{{From: p.logits, Into: logits}})
		if err != nil {
			return t, nil, err
		}
		for k, label := range labels {
			row := logits[k*head.Columns : (k+1)*head.Columns]
			answer, probability := int64(head.Predict(row)), head.Probability(row, int(label))
			answers = append(answers, answer)
			if answer == label {
				t.Right++
			}
			if p := float32(probability); p == 0 || p == 1 {
				t.Saturated++
			}
			// Logits that are not numbers make the worst of trials.
			if !(probability > leastProbability) {
				probability = leastProbability
			}
			t.CrossEntropy -= math.Log(probability) / float64(len(images.Labels))
		}
	}
	return t, answers, nil
}
