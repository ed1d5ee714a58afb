package saliency

import (
	tf "github.com/wamuir/graft/tensorflow"

	"upi/savedmodels"
	"upi/savedmodels/ops"
)

// With the margin m_c = z_c - log(sum over k != c of exp(z_k)), or z_c where the classes are independent, p_c is the sigmoid of
// m_c and grad p_c = p_c (1 - p_c) grad m_c. A map is divided by its norm, so that wherever it is made of one gradient the factor
// p_c (1 - p_c) falls out: it is left out, since it underflows where the network is sure. A mean over points keeps it, relative
// to the largest.
//
// Logits of minus infinity, or below masked, are of classes that a network does not use.
const (
	masked = -1e30
	// nowhere takes the place of a class that is left out of a sum of exponentials. Above the masked ones, it makes that sum a
	// number where all the others are masked.
	nowhere = -1e37
)

// oneHot has the value on at each image's class and off elsewhere, [N, columns].
func (n *network) oneHot(f forward, on, off tf.Output) tf.Output {
	return n.One("OneHot", nil, f.classes, n.Constant(int32(ops.Dims(f.logits)[1])), on, off)
}

// isClass is whether a column is the image's class, [N, columns].
func (n *network) isClass(f forward) tf.Output {
	return f.once("is class", func() tf.Output { return n.oneHot(f, n.Constant(true), n.Constant(false)) })
}

func (n *network) choose(condition, yes, no tf.Output) tf.Output {
	return n.One("SelectV2", nil, condition, yes, no)
}

// own returns z_c, [N].
func (n *network) own(f forward) tf.Output {
	return f.once("own", func() tf.Output {
		return n.One("Sum", nil, n.choose(n.isClass(f), f.logits, n.float(0)), n.ints(1))
	})
}

// rest returns the logits without each image's class, [N, columns].
func (n *network) rest(f forward) tf.Output {
	return f.once("rest", func() tf.Output { return n.choose(n.isClass(f), n.float(nowhere), f.logits) })
}

// fixed is whether a mask makes p_c a constant, [N]: z_c is masked, or it is one of two and the other is.
func (n *network) fixed(f forward) tf.Output {
	return f.once("fixed", func() tf.Output {
		least := n.own(f)
		if n.two(f) {
			least = n.One("Min", nil, f.logits, n.ints(1))
		}
		return n.One("LessEqual", nil, least, n.float(masked))
	})
}

// two is whether there are two classes, whose margins are differences of two logits.
func (n *network) two(f forward) bool {
	return !n.model.Head().Independent() && ops.Dims(f.logits)[1] == 2
}

// binary is whether the network has one score, whose logit is z for class 1 and -z for class 0.
func (n *network) binary() bool { return n.model.Head().Kind == savedmodels.HeadBinary }

// others returns log(sum over k != c of exp(z_k)), [N].
func (n *network) others(f forward) tf.Output {
	if n.two(f) {
		other := n.One("Sum", nil, n.choose(n.isClass(f), n.float(0), f.logits), n.ints(1))
		return n.One("Maximum", nil, other, n.float(masked))
	}
	rest := n.rest(f)
	largest := n.One("StopGradient", nil, n.One("Max", ops.Attrs{"keep_dims": true}, rest, n.ints(1)))
	total := n.One("Sum", nil, n.One("Exp", nil, n.Sub(rest, largest)), n.ints(1))
	return n.Add(n.One("Log", nil, total), n.column(largest))
}

// margin returns m_c, [N]. Where z_c is masked it is a number so small that p_c is 0, and has no derivative.
func (n *network) margin(f forward) tf.Output {
	margin := n.own(f)
	if !n.model.Head().Independent() {
		margin = n.Sub(margin, n.others(f))
	}
	return n.choose(n.One("LessEqual", nil, n.own(f), n.float(masked)), n.float(masked), margin)
}

// score returns S_c, [N].
func (n *network) score(f forward, score Score) tf.Output {
	switch {
	case score == Logit && n.binary():
		return n.margin(f)
	case score == Logit:
		return n.own(f)
	}
	return n.One("Sigmoid", nil, n.margin(f))
}

// crossEntropy returns -log p_c, [N].
func (n *network) crossEntropy(f forward) tf.Output {
	return n.softplus(n.Neg(n.margin(f)))
}

func (n *network) softplus(x tf.Output) tf.Output { return n.One("Softplus", nil, x) }

// slope returns the derivative of the logit z_c or of the margin m_c with respect to the logits, [N, columns].
func (n *network) slope(f forward, score Score) tf.Output {
	if score == Logit && !n.binary() {
		return n.oneHot(f, n.float(1), n.float(0))
	}
	var slope tf.Output
	switch {
	case n.model.Head().Independent():
		slope = n.oneHot(f, n.float(1), n.float(0))
	case n.two(f):
		slope = n.oneHot(f, n.float(1), n.float(-1))
	default:
		slope = n.Sub(n.oneHot(f, n.float(1), n.float(0)), n.One("Softmax", nil, n.rest(f)))
	}
	return n.One("Select", nil, n.fixed(f), n.One("ZerosLike", nil, slope), slope)
}

// scoreGradient returns dS_c/dx, [B, H, W, C], up to a positive factor per image.
func (n *network) scoreGradient(x tf.Output, score Score) (tf.Output, error) {
	f, err := n.evaluate(x, 1)
	if err != nil {
		return tf.Output{}, err
	}
	return n.differentiate(f.logits, x, n.slope(f, score))
}

// meanOverCopies returns the mean over copies of dS_c/dx at points, [copies, B, H, W, C], times factors of the same shape if they are
// given, up to a positive factor per image.
func (n *network) meanOverCopies(points tf.Output, score Score, copies int, factors ...tf.Output) (tf.Output, error) {
	h, w, c := n.shape.Height, n.shape.Width, n.shape.Channels
	flat := n.One("Reshape", nil, points, n.ints(copies*n.batch, h, w, c))
	f, err := n.evaluate(flat, copies)
	if err != nil {
		return tf.Output{}, err
	}
	slope := n.slope(f, score)
	if score == Probability {
		slope = n.Mul(slope, n.One("ExpandDims", nil, n.weights(f, copies), n.ints(1)))
	}
	each, err := n.differentiate(f.logits, flat, slope)
	if err != nil {
		return tf.Output{}, err
	}
	each = n.One("Reshape", nil, each, n.ints(copies, n.batch, h, w, c))
	for _, f := range factors {
		each = n.Mul(each, f)
	}
	return n.One("Mean", nil, each, n.ints()), nil
}

// weights returns p_c (1 - p_c) of all copies of the images, [copies * B], divided by the largest of an image's copies, so that
// they cannot all underflow. That largest one is taken for a constant when they are differentiated: a factor common to all copies
// leaves the map as it is, and so do its changes.
func (n *network) weights(f forward, copies int) tf.Output {
	margin := n.margin(f)
	// log p (1 - p) = -softplus(m) - softplus(-m), of which the second is softplus(m) - m.
	log := n.Sub(margin, n.Mul(n.float(2), n.softplus(margin)))
	log = n.One("Reshape", nil, log, n.ints(copies, n.batch))
	n.peak = n.One("StopGradient", nil, n.One("Max", nil, log, n.ints()))
	relative := n.One("Exp", nil, n.Sub(log, n.peak))
	return n.One("Reshape", nil, relative, n.ints(copies*n.batch))
}
