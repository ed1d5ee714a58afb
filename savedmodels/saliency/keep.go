package saliency

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels/ops"
	"upi/savedmodels/runtime"
)

// kept are the placeholders of a Keep; they are zero in an objective that keeps no predictions.
type kept struct {
	classes        tf.Output // int32 [B]
	weight, margin tf.Output // float32 [1]
}

// keepPredictions takes the hinge on the predictions' margins off the objective's value and gradient.
func (o *Objective) keepPredictions(n *network) error {
	f, err := n.withoutSurrogate()
	if err != nil {
		return fmt.Errorf("build logits: %w", err)
	}
	o.kept = kept{n.Placeholder(tf.Int32, int64(n.batch)), n.Placeholder(tf.Float, 1), n.Placeholder(tf.Float, 1)}
	hinge := n.One("Relu", nil, n.Sub(o.kept.margin, n.lead(f, o.kept.classes)))
	penalty := n.Mul(o.kept.weight, hinge)
	// By itself, so that a map that has no derivative is not covered up by the hinge, which has one.
	slope, err := n.differentiate(penalty, n.pixels)
	if err != nil {
		return fmt.Errorf("differentiate the margin of the prediction: %w", err)
	}
	compared := o.compared
	o.value, o.gradient = n.Sub(o.value, penalty), n.Sub(o.gradient, slope)
	if o.compared = o.value; n.options.Surrogate != nil {
		o.compared = n.Sub(compared, penalty)
	}
	return nil
}

// lead returns how far the logit of a class is ahead of the largest other one, [B]: of independent sigmoids too, whose answer is the
// class of the largest logit, and of a single score, whose logits are 0 and z. What is not one of the classes answers nothing. A
// class without any other is ahead by so much that no margin is larger.
func (n *network) lead(f forward, classes tf.Output) tf.Output {
	logits := f.logits
	if own := n.model.Head().Classes; int64(own) < ops.Dims(logits)[1] {
		logits = n.One("Slice", nil, logits, n.ints(0, 0), n.ints(n.batch, own))
	}
	of := forward{f.name, logits, classes, map[string]tf.Output{}}
	best := n.One("Max", nil, n.rest(of), n.ints(1))
	return n.Sub(n.own(of), n.One("Maximum", nil, best, n.float(masked)))
}

// feeds are those of a batch of n images.
func (k kept) feeds(of *network, keep *Keep, n int) ([]runtime.Feed, error) {
	if k.weight.Op == nil {
		if keep != nil {
			return nil, fmt.Errorf("the batch names predictions to keep, the objective was built without")
		}
		return nil, nil
	}
	if keep == nil || len(keep.Classes) != n {
		return nil, fmt.Errorf("the batch names no prediction to keep for each of %d images", n)
	}
	for i, c := range keep.Classes {
		if c < 0 || int(c) >= of.model.Classes() {
			return nil, fmt.Errorf("image %d of the batch: prediction %d, the model has %d classes", i, c, of.model.Classes())
		}
	}
	return []runtime.Feed{
		{To: k.classes, Ints: padded(keep.Classes, of.batch)},
		{To: k.weight, Floats: []float32{keep.Weight}},
		{To: k.margin, Floats: []float32{keep.Margin}},
	}, nil
}
