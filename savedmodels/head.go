package savedmodels

import (
	"fmt"
	"math"
)

// Heads: what the output of the signature is, for one row of class scores per image.
const (
	HeadAuto       = "auto"        // found out from the ops that make the output, and from its values
	HeadLogits     = "logits"      // z, p = softmax(z)
	HeadSoftmax    = "softmax"     // p, one class of K
	HeadLogSoftmax = "log_softmax" // log p, one class of K
	HeadSigmoid    = "sigmoid"     // p of K independent classes
	HeadBinary     = "binary"      // one sigmoid, or its logit: p_1 of two classes, p_0 = 1 - p_1
)

// heads are the heads that an option can name.
var heads = []string{HeadAuto, HeadLogits, HeadSoftmax, HeadLogSoftmax, HeadSigmoid, HeadBinary}

// A Head says how to read the rows of logits that Build gives, whatever the signature's output was.
type Head struct {
	// Kind is one of the constants above, not HeadAuto.
	Kind string
	// Classes is the number K of classes.
	Classes int
	// Columns is the length of a row of logits: K, or more where the network's softmax sums over more than the classes that its
	// output keeps. The classes come first. A binary head has the two columns 0 and z.
	Columns int
}

// Independent says that each class has a probability of its own, the sigmoid of its logit; else all of a row have the softmax's.
func (h Head) Independent() bool { return h.Kind == HeadSigmoid }

// Predict is the class with the largest of a row of logits, the first of several.
func (h Head) Predict(row []float32) int {
	best := 0
	for c, z := range row[:h.Classes] {
		if z > row[best] {
			best = c
		}
	}
	return best
}

// Probability is p_c for a row of logits. A class masked by minus infinity has probability 0.
func (h Head) Probability(row []float32, c int) float64 {
	z := float64(row[c])
	switch {
	case h.Independent():
		return 1 / (1 + math.Exp(-z))
	case math.IsInf(z, -1):
		return 0
	}
	largest := math.Inf(-1)
	for _, v := range row {
		largest = max(largest, float64(v))
	}
	total := 0.0
	for _, v := range row {
		total += math.Exp(float64(v) - largest)
	}
	return math.Exp(z-largest) / total
}

// CheckScores looks at the logits of some images, as a session computed them: whether the output is what the head says. The error
// says which head to name in the options: softmax if probabilities that the ops do not tell were taken for logits; logits if scores
// that do not add up to 1 were taken for probabilities.
func (m *Model) CheckScores(logits []float32) error {
	columns := m.head.Columns
	images := len(logits) / columns
	alike := 0
	for i := range images {
		row := logits[i*columns : (i+1)*columns]
		exponentials := 0.0
		for _, z := range row {
			exponentials += math.Exp(float64(z))
		}
		if m.logs && math.Abs(exponentials-1) > 0.02 {
			return fmt.Errorf("the output of %s is not probabilities: for an image they add up to %.3g; output.head: %s says that it is logits",
				m.dir, exponentials, HeadLogits)
		}
		if kindOf([][]float32{row}) == simplex {
			alike++
		}
	}
	// One image alone may be chance.
	if m.head.Kind == HeadLogits && alike == images && images > 1 {
		return fmt.Errorf("the output of %s was taken for logits, and is probabilities that add up to 1 for each image: say output.head: %s",
			m.dir, HeadSoftmax)
	}
	return nil
}

// What the values of an output can be.
type valueKind int

const (
	anything       valueKind = iota
	simplex                  // in 0..1, adding up to 1 in each row
	percentages              // the same times 100
	unitInterval             // in 0..1
	logarithms               // logarithms of a simplex
	constantValues           // the same in each row, which tells nothing
)

// kindOf looks at rows of scores.
func kindOf(rows [][]float32) valueKind {
	const tolerance = 2e-3
	within := map[valueKind]bool{simplex: true, percentages: true, unitInterval: true, logarithms: true}
	same := len(rows) > 1
	for _, row := range rows {
		sum, exponentials := 0.0, 0.0
		for k, score := range row {
			v := float64(score)
			same = same && score == rows[0][k]
			sum, exponentials = sum+v, exponentials+math.Exp(v)
			if !(v >= -1e-6) {
				within[simplex], within[percentages], within[unitInterval] = false, false, false
			}
			if !(v <= 1+1e-6) {
				within[unitInterval] = false
			}
			if !(v <= tolerance) {
				within[logarithms] = false
			}
		}
		within[simplex] = within[simplex] && math.Abs(sum-1) <= tolerance
		within[percentages] = within[percentages] && math.Abs(sum-100) <= 100*tolerance
		within[logarithms] = within[logarithms] && math.Abs(exponentials-1) <= tolerance
	}
	if same {
		return constantValues
	}
	for _, kind := range []valueKind{simplex, percentages, logarithms, unitInterval} {
		if within[kind] {
			return kind
		}
	}
	return anything
}
