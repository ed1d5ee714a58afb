package tables

import "math"

// A Scored is a perturbation with its sign and its scores. Where a task of it has failed, what that would have given is empty.
type Scored struct {
	Perturbation
	// Fit is the record of the fit split; nil where the rule asks for none or its task has failed. FitRows are its images.
	Fit     *Sign
	FitRows []SignRow
	// Sign is +1 or -1: the sign under which it is scored.
	Sign int
	// Scores has an element for each of Targets.
	Scores []Scores
}

// Scores are those of one perturbation on one target under one sign. A run has as many as perturbations times targets, so they
// are kept lean.
type Scores struct {
	// IDs and Labels have an element for each image that is scored.
	IDs, Labels []int64
	// Names are the ids where those are texts, else nil.
	Names []string
	// Values has for each metric a value per image, NaN where the metric is not defined on it.
	Values [][]float64
}

// total adds up the values of a metric, undefined ones left out.
func (s Scores) total(metric int) float64 {
	if len(s.IDs) == 0 {
		return 0
	}
	sum := 0.0
	for _, value := range s.Values[metric] {
		if !math.IsNaN(value) {
			sum += value
		}
	}
	return sum
}

// ChooseSign returns the sign under which the perturbation is scored, by its rule. Record is that of the fit split, nil where there
// is none; plus and minus are the scores under either sign for each of Targets, and metric is the number of normalized_l2 among
// them, of which only SignTest asks.
func (p *Perturbation) ChooseSign(record *Sign, plus, minus []Scores, metric int) int {
	switch {
	case p.Rule == SignFit && record != nil:
		return record.Sign
	case p.Rule == SignTest:
		return p.betterOnTest(plus, minus, metric)
	}
	return 1
}

// betterOnTest returns the sign that does better on the test split of the sources, +1 where both do as well.
func (p *Perturbation) betterOnTest(plus, minus []Scores, metric int) int {
	var ofPlus, ofMinus float64
	for k, t := range p.Targets {
		if p.IsSource(t.Model) {
			ofPlus += plus[k].total(metric)
			ofMinus += minus[k].total(metric)
		}
	}
	if ofMinus > ofPlus {
		return -1
	}
	return 1
}
