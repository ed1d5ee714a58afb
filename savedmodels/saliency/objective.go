package saliency

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels"
	"upi/savedmodels/runtime"
)

// An Objective computes a number per image and its gradient with respect to the image. It is safe for concurrent use.
type Objective struct {
	program
	reduced
	reference       tf.Output // only of functions of maps
	kept            kept
	value, gradient tf.Output
	// compared is the value of the network without the surrogate; where there is none, it is value.
	compared tf.Output
}

// Gradients are an Objective's results for n images.
type Gradients struct {
	// Rows are the gradients, n x H x W x C, per pixel unit.
	Rows []float32
	// Value are the n numbers that were differentiated.
	Value []float32
}

// NewDissimilarity builds the objective of the function Dissimilarity.
func NewDissimilarity(m *savedmodels.Model, e Explanation, s Settings) (*Objective, error) {
	return NewObjective(m, e, Dissimilarity, false, s)
}

// NewObjective builds the objective f(I(x), R) for explanation e of model m, where R is the map that the batch gives: a gradient
// of second order. ErrNoSecondOrder says that it is zero whatever the images. With keep, what the batch says of the predictions
// that are to stay is part of the objective.
func NewObjective(m *savedmodels.Model, e Explanation, f Function, keep bool, s Settings) (*Objective, error) {
	n := newNetwork(m, e, s.Surrogate, s.Batch)
	o := &Objective{reference: n.Placeholder(tf.Float, int64(s.Batch), int64(n.shape.Pixels()))}
	value := func() (tf.Output, error) {
		explanation, err := e.build(n, n.pixels)
		if err != nil {
			return tf.Output{}, fmt.Errorf("build explanation: %w", err)
		}
		mapped, _ := n.saliencyMap(explanation)
		return f.of(n, mapped, o.reference)
	}
	if err := o.build(n, value); err != nil {
		return nil, fmt.Errorf("differentiate %s: %w", f.name(), n.secondOrder(err, e.Explains().Score))
	}
	if keep {
		if err := o.keepPredictions(n); err != nil {
			return nil, err
		}
	}
	return o, o.open(n, e, s)
}

// NewCrossEntropy builds the objective -log p_c(x) of model m: a gradient of first order, for attacks on the prediction.
func NewCrossEntropy(m *savedmodels.Model, s Settings) (*Objective, error) {
	n := newNetwork(m, nil, s.Surrogate, s.Batch)
	o := &Objective{}
	value := func() (tf.Output, error) {
		f, err := n.evaluate(n.pixels, 1)
		if err != nil {
			return tf.Output{}, fmt.Errorf("build logits: %w", err)
		}
		return n.crossEntropy(f), nil
	}
	if err := o.build(n, value); err != nil {
		return nil, fmt.Errorf("differentiate the cross-entropy: %w", err)
	}
	return o, o.open(n, nil, s)
}

// build adds an objective's value and gradient, and the value of the network as it is if the gradient is of a surrogate.
func (o *Objective) build(n *network, value func() (tf.Output, error)) (err error) {
	if o.value, err = value(); err != nil {
		return err
	}
	if o.gradient, err = n.differentiate(o.value, n.pixels); err != nil {
		return err
	}
	if o.compared = o.value; n.options.Surrogate == nil {
		return nil
	}
	n.plain = true
	defer func() { n.plain = false }()
	o.compared, err = value()
	return err
}

// Run returns the objective's value and gradient for each image of b, both in the precision of the settings.
func (o *Objective) Run(b Batch) (Gradients, error) {
	values, err := o.compute(o.steep(), b, result{o.value, 1}, result{o.gradient, o.network.shape.Size()})
	if err != nil {
		return Gradients{}, err
	}
	return Gradients{Value: values[0], Rows: values[1]}, nil
}

// Evaluate returns the objective's value for each image of b, in float32, of the network as it is, without the surrogate: what is
// scored. It costs a gradient of an order less.
func (o *Objective) Evaluate(b Batch) ([]float32, error) {
	values, err := o.compute(o.session, b, result{o.compared, 1})
	if err != nil {
		return nil, err
	}
	return values[0], nil
}

func (o *Objective) compute(s *runtime.Session, b Batch, results ...result) ([][]float32, error) {
	n, err := o.check(b)
	if err != nil {
		return nil, err
	}
	feeds := o.feeds(b, n)
	if o.reference.Op != nil {
		pixels := o.network.shape.Pixels()
		if len(b.Reference) != n*pixels {
			return nil, fmt.Errorf("%d values of reference maps for %d images of %d pixels", len(b.Reference), n, pixels)
		}
		feeds = append(feeds, runtime.Feed{To: o.reference, Floats: padded(b.Reference, o.network.batch*pixels)})
	}
	kept, err := o.kept.feeds(o.network, b.Keep, n)
	if err != nil {
		return nil, err
	}
	return o.runIn(s, append(feeds, kept...), n, results...)
}
