package tables

import "math"

// A Scored is a perturbation with its sign and its scores. Where a task of it has failed, what that would have given is empty.
type Scored struct {
	Perturbation
	// Fit is the record of the fit split; nil where the rule asks for none or its task has failed. FitRows are its images.
	Fit     *Sign
	FitRows []SignRow
	// Sign is +1 or -1: the sign under which it is scored; 0 where it should have been decided and was not.
	Sign int
	// Scores has an element for each of Targets, and so has Lost: how many of the tasks that score it there have failed.
	Scores []Scores
	Lost   []int
}

// Scores are those of one perturbation on one target under one sign. A run has as many as perturbations times targets, so they
// are kept lean.
type Scores struct {
	// IDs and Labels have an element for each image that is scored.
	IDs, Labels []int64
	// Names are the ids where those are texts, else nil.
	Names []string
	// Answers are what the model says of each image.
	Answers []Answer
	// Values has for each metric a value per image, NaN where the metric is not defined on it.
	Values [][]float64
}

// An Answer is what a model says of an image: the classes that it answers, and the probabilities of the class that the map explains.
type Answer struct {
	CleanClass, PerturbedClass             int32
	CleanProbability, PerturbedProbability float64
}

// ChooseSign returns the sign under which the perturbation is scored, by its rule. Record is that of the fit split, nil where there
// is none; plus and minus are the scores under either sign for each of Targets, and metric is the number of normalized_l2 among
// them, of which only SignTest asks.
func (p *Perturbation) ChooseSign(record *Sign, plus, minus []Scores, metric int) int {
	switch {
	case p.Rule == SignFit && record == nil:
		return 0
	case p.Rule == SignFit:
		return record.Sign
	case p.Rule == SignTest:
		return p.betterOnTest(plus, minus, metric)
	}
	return 1
}

// betterOnTest returns the sign that does better on the test split of the sources, +1 where both do as well: by the images on which the
// metric is defined under either sign.
func (p *Perturbation) betterOnTest(plus, minus []Scores, metric int) int {
	difference := 0.0
	for k, t := range p.Targets {
		if !p.IsSource(t.Model) || t.Explanation != "" {
			continue
		}
		of := make(map[int64]float64, len(minus[k].IDs))
		for i, id := range minus[k].IDs {
			of[id] = minus[k].Values[metric][i]
		}
		for i, id := range plus[k].IDs {
			other, both := of[id]
			if d := plus[k].Values[metric][i] - other; both && !math.IsNaN(d) {
				difference += d
			}
		}
	}
	if difference < 0 {
		return -1
	}
	return 1
}
